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

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define NATIVE_DISPATCH
#include <immintrin.h>
#endif

#ifdef NATIVE_DISPATCH
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma")
namespace avx512 {
#define NATIVE_LANES 16
#define NATIVE_PANEL_VECTORS 4
#define NATIVE_TILE_ROWS 6
#include "kernels.hpp"
#include "network.hpp"
#include "beam.hpp"
#undef NATIVE_LANES
#undef NATIVE_PANEL_VECTORS
#undef NATIVE_TILE_ROWS
}
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx2,fma")
namespace avx2 {
#define NATIVE_LANES 8
#define NATIVE_PANEL_VECTORS 2
#define NATIVE_TILE_ROWS 6
#include "kernels.hpp"
#include "network.hpp"
#include "beam.hpp"
#undef NATIVE_LANES
#undef NATIVE_PANEL_VECTORS
#undef NATIVE_TILE_ROWS
}
#pragma GCC pop_options
#endif

namespace plain {
#define NATIVE_LANES 4
#define NATIVE_PANEL_VECTORS 2
#define NATIVE_TILE_ROWS 4
#include "kernels.hpp"
#include "network.hpp"
#include "beam.hpp"
#undef NATIVE_LANES
#undef NATIVE_PANEL_VECTORS
#undef NATIVE_TILE_ROWS
}

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

// 0 plain, 1 AVX2, 2 AVX-512 with VNNI
int best_level() {
#ifdef NATIVE_DISPATCH
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma"))
        return 2;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 1;
#endif
    return 0;
}

Model* make(const ModelView& view, int level) {
#ifdef NATIVE_DISPATCH
    if (level == 2) return new ModelOf<avx512::Network, avx512::Search>(view);
    if (level == 1) return new ModelOf<avx2::Network, avx2::Search>(view);
#endif
    return new ModelOf<plain::Network, plain::Search>(view);
}

}  // namespace

extern "C" {

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
