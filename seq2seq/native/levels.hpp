// Includes NATIVE_BODY once per instruction set, each in a namespace of its own: avx512_bf16 (unless NATIVE_WITHOUT_BF16),
// avx512, avx2 and plain on x86-64; dot_product (unless NATIVE_WITHOUT_INT8) and plain, which is NEON, on ARM.
// best_level() selects one at run time. Code of the standard library is compiled outside of them, for every processor: so no function
// that needs an instruction set can be taken for one that does not.

#if defined(__x86_64__) && defined(__GNUC__)
#define NATIVE_X86
#include <cpuid.h>
#include <immintrin.h>
#if !defined(NATIVE_WITHOUT_BF16) && (defined(__clang__) || __GNUC__ >= 10)  // older versions of gcc do not support it
#define NATIVE_X86_BF16
#endif
#elif defined(__aarch64__)
#define NATIVE_ARM
#ifndef NATIVE_WITHOUT_INT8
#define NATIVE_ARM_DOT_PRODUCT
#endif
#include <arm_neon.h>
#if defined(__linux__)
#include <sys/auxv.h>
#endif
#elif defined(__wasm_simd128__)
#include <wasm_simd128.h>
#endif

#ifdef NATIVE_X86_BF16
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16,avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16,avx2,fma")
#endif
#define NATIVE_LEVEL avx512_bf16
#define NATIVE_BF16
#define NATIVE_LANES 16
#define NATIVE_PANEL_VECTORS 4
#define NATIVE_TILE_ROWS 6
#include "level.hpp"
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

#ifdef NATIVE_X86
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma")
#endif
#define NATIVE_LEVEL avx512
#define NATIVE_LANES 16
#define NATIVE_PANEL_VECTORS 4
#define NATIVE_TILE_ROWS 6
#include "level.hpp"
#ifdef __clang__
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
#define NATIVE_LEVEL avx2
#define NATIVE_LANES 8
#define NATIVE_PANEL_VECTORS 2
#define NATIVE_TILE_ROWS 6
#include "level.hpp"
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

#ifdef NATIVE_ARM_DOT_PRODUCT
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("arch=armv8.2-a+dotprod")
#endif
#define NATIVE_LEVEL dot_product
#define NATIVE_DOT_PRODUCT
#define NATIVE_LANES 4
#define NATIVE_PANEL_VECTORS 4
#define NATIVE_TILE_ROWS 6
#include "level.hpp"
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

#define NATIVE_LEVEL plain
#define NATIVE_LANES 4
#define NATIVE_PANEL_VECTORS 2
#define NATIVE_TILE_ROWS 4
#include "level.hpp"

namespace {

#ifdef NATIVE_X86

// Whether the operating system saves these registers (bits of XCR0).
inline bool saves_registers(unsigned mask) {
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & mask) == mask;
}

// Not __builtin_cpu_supports, which needs a table that some runtime libraries lack.
inline int best_level() {
    unsigned a, b, c, d, b7, c7;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE) || !saves_registers(0x6)) return 0;  // SSE, AVX
    const bool fma = c & bit_FMA;
    if (!__get_cpuid_count(7, 0, &a, &b7, &c7, &d) || !fma || !(b7 & bit_AVX2)) return 0;
    const unsigned avx512 = bit_AVX512F | bit_AVX512BW | bit_AVX512VL | bit_AVX512DQ;
    if ((b7 & avx512) != avx512 || !(c7 & bit_AVX512VNNI) || !saves_registers(0xE6)) return 1;
#ifdef NATIVE_X86_BF16
    const unsigned bf16 = 1 << 5;
    if (__get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & bf16)) return 3;
#endif
    return 2;
}

#elif defined(NATIVE_ARM_DOT_PRODUCT)

inline int best_level() {
#if defined(__APPLE__)
    return 1;  // from the M1 on
#elif defined(__linux__)
    return getauxval(AT_HWCAP) >> 20 & 1;  // HWCAP_ASIMDDP
#else
    return 0;
#endif
}

#else

inline int best_level() { return 0; }

#endif

}  // namespace
