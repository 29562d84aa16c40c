// The engine as a C library, loaded by `compiled.py`: make a model, search with it, free it.
//
// Everything that computes is compiled once for each instruction set, and chosen when the program runs.

#include <algorithm>
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
#include "levels.hpp"

namespace {

struct Model {
    virtual ~Model() = default;
    virtual void search(const RequestView& request, const int32_t* tokens, const int32_t* lengths,
                        const int32_t* limits, int count, FoundView& found) const = 0;
};

template <class Network, class Search>
struct ModelOf : Model {
    explicit ModelOf(const ModelView& view) : network(view) {}
    void search(const RequestView& request, const int32_t* tokens, const int32_t* lengths, const int32_t* limits,
                int count, FoundView& found) const override {
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

}  // namespace

extern "C" {

// Which structures it was built for.
int seq2seq_version() { return VIEWS_VERSION; }

// The highest instruction set that this processor has.
int seq2seq_level() { return best_level(); }

// A model for instruction set `level`; null where memory is short. The tables that `view` points at must stay.
void* seq2seq_model(const ModelView* view, int level) {
    try {
        return make(*view, level);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

void seq2seq_free(void* model) { delete static_cast<Model*>(model); }

// Search a batch; any thread may. 0, or 1 where memory is short.
int seq2seq_search(const void* model, const RequestView* request, const int32_t* tokens, const int32_t* lengths,
                   const int32_t* limits, int32_t count, FoundView* found) {
    try {
        static_cast<const Model*>(model)->search(*request, tokens, lengths, limits, count, *found);
        return 0;
    } catch (const std::bad_alloc&) {
        return 1;
    }
}
}
