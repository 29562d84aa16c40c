// The engine of `seq2seq.h`: load a model, search, free it.
//
// The computing code is compiled once per instruction set and dispatched at run time.

#include <algorithm>
#include <climits>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "memory.hpp"
#include "parameters.hpp"
#include "symbols.hpp"

#define NATIVE_BODY "engine.hpp"
#define NATIVE_WITHOUT_BF16  // the engine computes in float32 and int8
#include "levels.hpp"

struct Seq2seqModel {
    explicit Seq2seqModel(Parameters given) : parameters(std::move(given)) {}
    virtual ~Seq2seqModel() = default;
    virtual void search(const Seq2seqOptions& options, const int32_t* tokens, const int32_t* lengths,
                        const int32_t* limits, int count, Seq2seqHypotheses& hypotheses) const = 0;
    Parameters parameters;
};

namespace {

template <class Network, class Search>
struct ModelOfLevel : Seq2seqModel {
    explicit ModelOfLevel(Parameters given) : Seq2seqModel(std::move(given)), network(parameters.view) {
        parameters.discard_temporary();
    }
    void search(const Seq2seqOptions& options, const int32_t* tokens, const int32_t* lengths, const int32_t* limits,
                int count, Seq2seqHypotheses& hypotheses) const override {
        Search(network, options).run(tokens, lengths, limits, count, hypotheses);
    }
    Network network;
};

Seq2seqModel* make_model(Parameters parameters, int level) {
#if defined(NATIVE_X86)
    if (level >= 2) return new ModelOfLevel<avx512::Network, avx512::Search>(std::move(parameters));
    if (level == 1) return new ModelOfLevel<avx2::Network, avx2::Search>(std::move(parameters));
#elif defined(NATIVE_ARM_DOT_PRODUCT)
    if (level >= 1) return new ModelOfLevel<dot_product::Network, dot_product::Search>(std::move(parameters));
#endif
    return new ModelOfLevel<plain::Network, plain::Search>(std::move(parameters));
}

// Whether a translation of at most `limit` tokens can have the symbols of each source, with these options.
bool have_valid_symbols(const Seq2seqOptions& options, const int32_t* tokens, const int32_t* lengths,
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
bool have_valid_drafts(const Seq2seqOptions& options, int32_t vocab, const int32_t* tokens, const int32_t* lengths,
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
bool is_valid(const NetworkView& model, const Seq2seqOptions& options, const int32_t* tokens, const int32_t* lengths,
              const int32_t* limits, int32_t count, const Seq2seqHypotheses& hypotheses) {
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

int seq2seq_version() { return SEQ2SEQ_VERSION; }

void seq2seq_sizes(int32_t* sizes) {
    size_t of_structures[] = {sizeof(Seq2seqTensor),     sizeof(Seq2seqNetwork), sizeof(Seq2seqOptions),
                              sizeof(Seq2seqHypotheses), sizeof(Seq2seqGruStep), sizeof(Seq2seqLossRows)};
    std::copy(std::begin(of_structures), std::end(of_structures), sizes);
}

int seq2seq_engine_level() { return best_level(); }

int seq2seq_load(const Seq2seqTensor* tensors, int32_t count, const Seq2seqNetwork* network, int32_t level,
                 Seq2seqModel** model, char* fault) {
    *model = nullptr;
    *fault = 0;
    if (level < 0 || level > best_level()) return SEQ2SEQ_INVALID;
    return status_of([&] {
        Parameters parameters(tensors, count, *network);
        snprintf(fault, 128, "%s", parameters.fault.c_str());
        const int status = parameters.status;
        if (status == SEQ2SEQ_OK) *model = make_model(std::move(parameters), level);
        return status;
    });
}

void seq2seq_free(Seq2seqModel* model) { delete model; }

int seq2seq_search(const Seq2seqModel* model, const Seq2seqOptions* options, const int32_t* tokens,
                   const int32_t* lengths, const int32_t* limits, int32_t count, Seq2seqHypotheses* hypotheses) {
    return status_of([&] {
        if (!is_valid(model->parameters.view, *options, tokens, lengths, limits, count, *hypotheses))
            return int(SEQ2SEQ_INVALID);
        model->search(*options, tokens, lengths, limits, count, *hypotheses);
        return int(SEQ2SEQ_OK);
    });
}
