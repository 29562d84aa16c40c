// SIMD vectors and their functions. Included once per instruction set, each time in a different namespace.

constexpr int LANES = NATIVE_LANES;
typedef float vec __attribute__((vector_size(4 * LANES)));
typedef int32_t ivec __attribute__((vector_size(4 * LANES)));
typedef uint32_t uvec __attribute__((vector_size(4 * LANES)));
typedef uint16_t halves __attribute__((vector_size(2 * LANES)));
typedef uint16_t bf16;  // the upper half of a float

inline int padded(int count, int multiple) { return (count + multiple - 1) / multiple * multiple; }

inline vec load(const float* from) {
    vec values;
    memcpy(&values, from, sizeof values);
    return values;
}

inline vec load(const float* from, int count) {
    vec values = {};
    memcpy(&values, from, count * sizeof(float));
    return values;
}

inline void store(float* to, vec values, int count = LANES) {
    if (count == LANES)
        memcpy(to, &values, sizeof values);
    else
        memcpy(to, &values, count * sizeof(float));
}

// The intrinsics are needed: gcc does not find the instructions by itself.
inline vec from_bf16(halves values) {
#if NATIVE_LANES == 16
    return (vec)_mm512_slli_epi32(_mm512_cvtepu16_epi32((__m256i)values), 16);
#elif NATIVE_LANES == 8
    return (vec)_mm256_slli_epi32(_mm256_cvtepu16_epi32((__m128i)values), 16);
#else
    return (vec)(__builtin_convertvector(values, uvec) << 16);
#endif
}

// Rounds to nearest, ties to even.
inline halves to_bf16(vec values) {
#ifdef NATIVE_BF16
    return (halves)_mm512_cvtneps_pbh((__m512)values);
#else
    uvec bits = (uvec)values, rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
#if NATIVE_LANES == 16
    return (halves)_mm512_cvtepi32_epi16((__m512i)rounded);
#else
    return __builtin_convertvector(rounded, halves);
#endif
#endif
}

inline vec load(const bf16* from, int count = LANES) {
    halves values = {};
    if (count == LANES)
        memcpy(&values, from, sizeof values);
    else
        memcpy(&values, from, count * sizeof(bf16));
    return from_bf16(values);
}

inline void store(bf16* to, vec values, int count = LANES) {
    halves rounded = to_bf16(values);
    if (count == LANES)
        memcpy(to, &rounded, sizeof rounded);
    else
        memcpy(to, &rounded, count * sizeof(bf16));
}

inline vec broadcast(float value) { return value - (vec){}; }

// If either argument is NaN, max and min return `b`.
inline vec max(vec a, vec b) {
#if NATIVE_LANES == 16
    return (vec)_mm512_max_ps((__m512)a, (__m512)b);
#else
    return a > b ? a : b;
#endif
}

inline vec min(vec a, vec b) {
#if NATIVE_LANES == 16
    return (vec)_mm512_min_ps((__m512)a, (__m512)b);
#else
    return a < b ? a : b;
#endif
}

// Calls body(start, count) for each run of at most LANES of `size` elements. A body that takes `auto count` is compiled
// separately for full vectors.
template <class Body>
inline void for_each_vector(int size, Body body) {
    int start = 0;
    for (; start + LANES <= size; start += LANES) body(start, std::integral_constant<int, LANES>());
    if (start < size) body(start, size - start);
}

inline float reduce_max(vec values) {
    float maximum = values[0];
    for (int lane = 1; lane < LANES; lane++) maximum = values[lane] > maximum ? values[lane] : maximum;
    return maximum;
}

inline float reduce_sum(vec values) {
    float sum = 0;
    for (int lane = 0; lane < LANES; lane++) sum += values[lane];
    return sum;
}

// Rounds to the nearest integer.
inline vec round_nearest(vec x) {
#if NATIVE_LANES == 16
    return (vec)_mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#else
    const float rounder = 12582912.0f;  // adding 1.5 * 2^23 rounds off the fraction
    return (x + rounder) - rounder;
#endif
}

// x * 2^n, for integers n from -126 to 127.
inline vec ldexp(vec x, vec n) {
#if NATIVE_LANES == 16
    return (vec)_mm512_scalef_ps((__m512)x, (__m512)n);
#else
    return x * (vec)((__builtin_convertvector(n, ivec) + 127) << 23);
#endif
}

// exp(x) = 2^n (1 + q) with an integer n and |q| < 0.42; q is accurate near 0. The polynomial is the minimax
// approximation of (exp(r) - 1) / r on |r| <= ln(2) / 2, with a maximum error of 5e-9. NaN stays NaN.
inline vec exp_parts(vec x, vec& n) {
    x = max(broadcast(-87.0f), min(broadcast(88.0f), x));
    n = round_nearest(x * 1.44269504f);
    vec r = x - n * 0.693359375f + n * 2.12194440e-4f;
    vec square = r * r;  // two terms at a time: a shorter dependency chain from r to q
    vec q = r * 1.39464392e-3f + 8.36657729e-3f;
    q = q * square + (r * 0.0416662822f + 0.166665430f);
    return (q * r + 0.500000006f) * square + r;
}

inline vec exp(vec x) {
    vec n, q = exp_parts(x, n);
    return ldexp(q + 1.0f, n);
}

// 1 / x for x >= 1 (may be 0 for x >= 2^126): a 14-bit estimate, refined by one Newton step.
inline vec reciprocal(vec x) {
#if NATIVE_LANES == 16
    vec estimate = (vec)_mm512_rcp14_ps((__m512)x);
    return estimate * (2.0f - x * estimate);
#else
    return 1.0f / x;
#endif
}

inline vec sigmoid(vec x) { return reciprocal(exp(-x) + 1.0f); }

inline vec tanh(vec x) {
    vec n, q = exp_parts(max(broadcast(-30.0f), min(broadcast(30.0f), x + x)), n);
    vec e = ldexp(q, n) + (ldexp(broadcast(1.0f), n) - 1.0f);  // exp(2 x) - 1, accurate near 0
    return e * reciprocal(e + 2.0f);
}
