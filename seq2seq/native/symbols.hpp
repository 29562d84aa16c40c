// The symbols of a source, bound to its translation: the C++ counterpart of `search/symbols.py`.
#pragma once
#include <algorithm>
#include <bitset>
#include <cstdint>
#include <utility>
#include <vector>

// The ids of `tokenizer/symbols.py`.
constexpr int32_t FIRST_SYMBOL = 4, FIRST_OPENING = 12, FIRST_CLOSING = 16, FIRST_UNPAIRED = 20, SYMBOLS_END = 24;
constexpr int32_t PAIR_OFFSET = FIRST_CLOSING - FIRST_OPENING;

inline bool is_symbol(int32_t token) { return token >= FIRST_SYMBOL && token < SYMBOLS_END; }
inline bool is_opening(int32_t symbol) { return symbol >= FIRST_OPENING && symbol < FIRST_CLOSING; }
inline bool is_closing(int32_t symbol) { return symbol >= FIRST_CLOSING && symbol < FIRST_UNPAIRED; }

class SymbolSet {
  public:
    bool operator[](int32_t symbol) const { return bits_[symbol - FIRST_SYMBOL]; }
    void add(int32_t symbol) { bits_[symbol - FIRST_SYMBOL] = true; }

  private:
    std::bitset<SYMBOLS_END - FIRST_SYMBOL> bits_;
};

// The symbols in a hypothesis. Its tokens are added from the last to the first.
struct WrittenSymbols {
    void add(int32_t token) {
        if (!is_symbol(token)) return;
        if (!innermost && is_opening(token) && !written[token + PAIR_OFFSET]) innermost = token;
        written.add(token);
    }

    SymbolSet written;
    int32_t innermost = 0;  // the opening symbol of the innermost open pair, or 0
};

// The symbols that a hypothesis still needs.
struct MissingSymbols {
    int count = 0;
    SymbolSet permitted;  // those that may come next
};

class SourceSymbols {
  public:
    SourceSymbols(const int32_t* source, int length) {
        for (int i = 0; i < length; i++)
            if (is_symbol(source[i])) symbols.push_back(source[i]);
    }

    // Keep those that a draft lacks.
    void remove(const int32_t* draft, int length) {
        symbols.erase(std::remove_if(symbols.begin(), symbols.end(),
                                     [=](int32_t symbol) { return std::find(draft, draft + length, symbol) != draft + length; }),
                      symbols.end());
    }

    // Whether each symbol occurs once and each pair is complete.
    bool is_valid() const {
        SymbolSet seen;
        for (int32_t symbol : symbols) {
            if (seen[symbol]) return false;
            seen.add(symbol);
        }
        for (int32_t opening = FIRST_OPENING; opening < FIRST_CLOSING; opening++)
            if (seen[opening] != seen[opening + PAIR_OFFSET]) return false;
        return true;
    }

    MissingSymbols missing_from(const WrittenSymbols& hypothesis) const {
        MissingSymbols missing;
        bool unpaired_may_follow = !hypothesis.innermost;
        for (int32_t symbol : symbols) {
            if (hypothesis.written[symbol]) continue;
            missing.count++;
            bool may_follow = true;
            if (is_closing(symbol)) may_follow = symbol == hypothesis.innermost + PAIR_OFFSET;
            if (symbol >= FIRST_UNPAIRED) may_follow = std::exchange(unpaired_may_follow, false);
            if (may_follow) missing.permitted.add(symbol);
        }
        return missing;
    }

    std::vector<int32_t> symbols;  // in their order
};
