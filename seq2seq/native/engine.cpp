// The engine as a C library, loaded by `compiled.py`: make a model, search with it, free it.
//
// Everything that computes is compiled once for each instruction set, and chosen when the program runs.

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

#include "views.hpp"

#define NATIVE_BODY "engine.hpp"
#define NATIVE_WITHOUT_BF16  // the engine computes in float32 and int8
#include "levels.hpp"

namespace {

struct Model {
    virtual ~Model() = default;
    virtual const ModelView& view() const = 0;
    virtual void search(const OptionsView& request, const int32_t* tokens, const int32_t* lengths,
                        const int32_t* limits, int count, HypothesesView& found) const = 0;
};

template <class Network, class Search>
struct ModelOf : Model {
    explicit ModelOf(const ModelView& view) : network(view) {}
    const ModelView& view() const override { return network.view; }
    void search(const OptionsView& request, const int32_t* tokens, const int32_t* lengths, const int32_t* limits,
                int count, HypothesesView& found) const override {
        Search(network, request).run(tokens, lengths, limits, count, found);
    }
    Network network;
};

Model* make(const ModelView& view, int level) {
#ifdef NATIVE_DISPATCH
    if (level >= 2) return new ModelOf<avx512::Network, avx512::Search>(view);
    if (level == 1) return new ModelOf<avx2::Network, avx2::Search>(view);
#endif
    return new ModelOf<plain::Network, plain::Search>(view);
}

// Whether a search can be run as it is asked for. All that will index memory is looked at here, once.
bool is_valid(const ModelView& model, const OptionsView& request, const int32_t* tokens, const int32_t* lengths,
              const int32_t* limits, int32_t count, const HypothesesView& found) {
    const int32_t vocab = model.output.out;
    auto all_below = [](const int32_t* ids, int64_t number, int32_t end) {
        return std::all_of(ids, ids + number, [=](int32_t id) { return id >= 0 && id < end; });
    };
    if (count < 1 || request.n_best < 1 || request.beam_size < request.n_best) return false;
    if (request.beam_size > INT_MAX / count || !(request.length_penalty >= 0) || std::isinf(request.length_penalty)) return false;
    if (request.forbidden_count < 0 || !all_below(request.forbidden, request.forbidden_count, vocab)) return false;
    if (!all_below(&request.eos, 1, vocab) || !all_below(&request.bos, 1, vocab)) return false;
    int64_t total = 0;
    for (int b = 0; b < count; b++) {
        if (lengths[b] < 1 || limits[b] < 1 || limits[b] > found.longest) return false;
        total += lengths[b];
    }
    if (total > INT_MAX || !all_below(tokens, total, model.src_vocab)) return false;
    for (int b = 0; request.shortlists && b < count; b++) {
        const int32_t *first = request.shortlists + request.shortlist_starts[b],
                      *last = request.shortlists + request.shortlist_starts[b + 1];
        if (first >= last || !all_below(first, last - first, vocab)) return false;
        if (!std::is_sorted(first, last) || !std::binary_search(first, last, request.eos)) return false;
    }
    return true;
}

}  // namespace

extern "C" {

// Which structures it was built for.
int seq2seq_version() { return VIEWS_VERSION; }

// The highest instruction set of the engine on this processor.
int seq2seq_engine_level() { return best_level(); }

// A model for instruction set `level`; null where memory is short. The tables that `view` points at must stay.
void* seq2seq_model(const ModelView* view, int level) {
    try {
        return make(*view, level);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

void seq2seq_free(void* model) { delete static_cast<Model*>(model); }

// Search a batch; any thread may. 0, 1 where memory is short, or 2 where the model has no such ids or a number is out of
// range. After 1 the model can be used as before.
int seq2seq_search(const void* model, const OptionsView* request, const int32_t* tokens, const int32_t* lengths,
                   const int32_t* limits, int32_t count, HypothesesView* found) {
    try {
        if (!is_valid(static_cast<const Model*>(model)->view(), *request, tokens, lengths, limits, count, *found))
            return 2;
        static_cast<const Model*>(model)->search(*request, tokens, lengths, limits, count, *found);
        return 0;
    } catch (const std::bad_alloc&) {
        return 1;
    }
}
}
