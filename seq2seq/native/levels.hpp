// Includes vectors.hpp and NATIVE_BODY once per instruction set, in the namespaces avx512_bf16 (unless
// NATIVE_WITHOUT_BF16), avx512, avx2 and plain. best_level() selects one at run time.

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define NATIVE_DISPATCH
#include <immintrin.h>
#if __GNUC__ >= 10 && !defined(NATIVE_WITHOUT_BF16)  // older versions of gcc do not support it
#define NATIVE_DISPATCH_BF16
#endif
#endif

#ifdef NATIVE_DISPATCH_BF16
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16,avx2,fma")
namespace avx512_bf16 {
#define NATIVE_BF16
#define NATIVE_LANES 16
#define NATIVE_PANEL_VECTORS 4
#define NATIVE_TILE_ROWS 6
#include "vectors.hpp"
#include NATIVE_BODY
#undef NATIVE_BF16
#undef NATIVE_LANES
#undef NATIVE_PANEL_VECTORS
#undef NATIVE_TILE_ROWS
}
#pragma GCC pop_options
#endif

#ifdef NATIVE_DISPATCH
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma")
namespace avx512 {
#define NATIVE_LANES 16
#define NATIVE_PANEL_VECTORS 4
#define NATIVE_TILE_ROWS 6
#include "vectors.hpp"
#include NATIVE_BODY
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
#include "vectors.hpp"
#include NATIVE_BODY
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
#include "vectors.hpp"
#include NATIVE_BODY
#undef NATIVE_LANES
#undef NATIVE_PANEL_VECTORS
#undef NATIVE_TILE_ROWS
}

namespace {

// The highest level that is compiled in and that this processor supports: 0 plain, 1 AVX2, 2 AVX-512 with VNNI,
// 3 AVX-512 with BF16.
inline int best_level() {
#ifdef NATIVE_DISPATCH
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma")) {
#ifdef NATIVE_DISPATCH_BF16
        if (__builtin_cpu_supports("avx512bf16")) return 3;
#endif
        return 2;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 1;
#endif
    return 0;
}

}  // namespace
