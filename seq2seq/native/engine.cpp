// The C interface of the engine, bound by `engine.py`: create a model, search, free it.
//
// The computing code is compiled once per instruction set and dispatched at run time.

#include <algorithm>
#include <climits>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "symbols.hpp"
#include "views.hpp"

#define NATIVE_BODY "engine.hpp"
#define NATIVE_WITHOUT_BF16  // the engine computes in float32 and int8
#include "levels.hpp"

namespace {

struct Model {
    virtual ~Model() = default;
    virtual const ModelView& view() const = 0;
    virtual void search(const OptionsView& options, const int32_t* tokens, const int32_t* lengths,
                        const int32_t* limits, int count, HypothesesView& hypotheses) const = 0;
};

template <class Network, class Search>
struct ModelImpl : Model {
    explicit ModelImpl(const ModelView& view) : network(view) {}
    const ModelView& view() const override { return network.view; }
    void search(const OptionsView& options, const int32_t* tokens, const int32_t* lengths, const int32_t* limits,
                int count, HypothesesView& hypotheses) const override {
        Search(network, options).run(tokens, lengths, limits, count, hypotheses);
    }
    Network network;
};

Model* make_model(const ModelView& view, int level) {
#ifdef NATIVE_DISPATCH
    if (level >= 2) return new ModelImpl<avx512::Network, avx512::Search>(view);
    if (level == 1) return new ModelImpl<avx2::Network, avx2::Search>(view);
#endif
    return new ModelImpl<plain::Network, plain::Search>(view);
}

// Whether a translation of at most `limit` tokens can have the symbols of each source, with these options.
bool have_valid_symbols(const OptionsView& options, const int32_t* tokens, const int32_t* lengths,
                        const int32_t* limits, int32_t count) {
    const int32_t *forbidden = options.forbidden_ids, *forbidden_end = forbidden + options.forbidden_count;
    for (int b = 0; b < count; tokens += lengths[b++]) {
        SourceSymbols source(tokens, lengths[b]);
        if (!source.is_valid() || int64_t(source.symbols.size()) >= limits[b]) return false;
        for (int32_t symbol : source.symbols) {
            if (std::find(forbidden, forbidden_end, symbol) != forbidden_end) return false;
            if (options.shortlists && !std::binary_search(options.shortlists + options.shortlist_starts[b],
                                                          options.shortlists + options.shortlist_starts[b + 1], symbol))
                return false;
        }
    }
    return true;
}

// Whether each draft ends in eos, has no tags, and has room for the symbols that it lacks.
bool have_valid_drafts(const OptionsView& options, int32_t vocab, const int32_t* tokens, const int32_t* lengths,
                       const int32_t* limits, int32_t count) {
    if (options.draft_starts[0] != 0) return false;
    for (int b = 0; b < count; tokens += lengths[b++]) {
        int64_t length = int64_t(options.draft_starts[b + 1]) - options.draft_starts[b];
        if (length < 1) return false;
        const int32_t *draft = options.drafts + options.draft_starts[b], *last = draft + length - 1;
        if (std::find(draft, last + 1, options.eos) != last) return false;
        for (const int32_t* token = draft; token <= last; token++) {
            if (*token < 0 || *token >= vocab || (*token >= FIRST_OPENING && *token < SYMBOLS_END)) return false;
            if (options.shortlists && !std::binary_search(options.shortlists + options.shortlist_starts[b],
                                                          options.shortlists + options.shortlist_starts[b + 1], *token))
                return false;
        }
        SourceSymbols source(tokens, lengths[b]);
        source.remove(draft, int(length));
        if (int64_t(source.symbols.size()) + length > limits[b]) return false;
    }
    return true;
}

// Whether the arguments of a search are in range. Every value that is used as an index is checked here, once.
bool is_valid(const ModelView& model, const OptionsView& options, const int32_t* tokens, const int32_t* lengths,
              const int32_t* limits, int32_t count, const HypothesesView& hypotheses) {
    const int32_t vocab = model.output.out;
    auto all_below = [](const int32_t* ids, int64_t length, int32_t end) {
        return std::all_of(ids, ids + length, [=](int32_t id) { return id >= 0 && id < end; });
    };
    if (count < 1 || options.n_best < 1 || options.beam_size < options.n_best) return false;
    if (options.beam_size > INT_MAX / count) return false;
    if (!(options.length_penalty >= 0) || std::isinf(options.length_penalty)) return false;
    if (options.forbidden_count < 0 || !all_below(options.forbidden_ids, options.forbidden_count, vocab)) return false;
    if (!all_below(&options.eos, 1, vocab) || !all_below(&options.bos, 1, vocab)) return false;
    int64_t total = 0;
    for (int b = 0; b < count; b++) {
        if (lengths[b] < 1 || limits[b] < 1 || limits[b] > hypotheses.max_length) return false;
        total += lengths[b];
    }
    if (total > INT_MAX || !all_below(tokens, total, model.src_vocab)) return false;
    for (int b = 0; options.shortlists && b < count; b++) {
        const int32_t *first = options.shortlists + options.shortlist_starts[b],
                      *last = options.shortlists + options.shortlist_starts[b + 1];
        if (first >= last || !all_below(first, last - first, vocab)) return false;
        if (!std::is_sorted(first, last) || !std::binary_search(first, last, options.eos)) return false;
    }
    if (!options.has_symbols) return !options.drafts;
    if (vocab < SYMBOLS_END || !have_valid_symbols(options, tokens, lengths, limits, count)) return false;
    return !options.drafts || have_valid_drafts(options, vocab, tokens, lengths, limits, count);
}

}  // namespace

extern "C" {

// The version of the structures that the library was built with.
int seq2seq_version() { return VIEWS_VERSION; }

// The highest instruction set that the engine supports on this processor.
int seq2seq_engine_level() { return best_level(); }

// A model for instruction set `level`, or null if out of memory. The tables of `view` must outlive it.
void* seq2seq_model(const ModelView* view, int level) {
    try {
        return make_model(*view, level);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

void seq2seq_free(void* model) { delete static_cast<Model*>(model); }

// Search a batch; thread-safe. Returns 0; 1 if out of memory, after which the model remains usable; or 2 if an id or an
// option is out of range.
int seq2seq_search(const void* model, const OptionsView* options, const int32_t* tokens, const int32_t* lengths,
                   const int32_t* limits, int32_t count, HypothesesView* hypotheses) {
    try {
        if (!is_valid(static_cast<const Model*>(model)->view(), *options, tokens, lengths, limits, count, *hypotheses))
            return 2;
        static_cast<const Model*>(model)->search(*options, tokens, lengths, limits, count, *hypotheses);
        return 0;
    } catch (const std::bad_alloc&) {
        return 1;
    }
}
}
