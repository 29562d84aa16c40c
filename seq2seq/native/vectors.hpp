// Vectors and functions of them. This file is included once for each instruction set, inside a namespace of its own.

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

// With these gcc finds the one instruction that there is for it.
inline vec widened(halves values) {
#if NATIVE_LANES == 16
    return (vec)_mm512_slli_epi32(_mm512_cvtepu16_epi32((__m256i)values), 16);
#elif NATIVE_LANES == 8
    return (vec)_mm256_slli_epi32(_mm256_cvtepu16_epi32((__m128i)values), 16);
#else
    return (vec)(__builtin_convertvector(values, uvec) << 16);
#endif
}

inline halves narrowed(uvec values) {
#if NATIVE_LANES == 16
    return (halves)_mm512_cvtepi32_epi16((__m512i)values);
#else
    return __builtin_convertvector(values, halves);
#endif
}

inline vec load(const bf16* from, int count = LANES) {
    halves values = {};
    if (count == LANES)
        memcpy(&values, from, sizeof values);
    else
        memcpy(&values, from, count * sizeof(bf16));
    return widened(values);
}

// Rounded to the nearest, to an even one in the middle.
inline void store(bf16* to, vec values, int count = LANES) {
    uvec bits = (uvec)values;
    halves rounded = narrowed((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    if (count == LANES)
        memcpy(to, &rounded, sizeof rounded);
    else
        memcpy(to, &rounded, count * sizeof(bf16));
}

inline vec all(float value) { return value - (vec){}; }
inline vec larger(vec one, vec other) { return one > other ? one : other; }
inline vec smaller(vec one, vec other) { return one < other ? one : other; }

// Call body(start, count) for each run of at most LANES of `size` numbers. A body that takes `auto count` is compiled
// for whole vectors by itself.
template <class Body>
inline void in_lanes(int size, Body body) {
    int start = 0;
    for (; start + LANES <= size; start += LANES) body(start, std::integral_constant<int, LANES>());
    if (start < size) body(start, size - start);
}

inline float highest_of(vec values) {
    float highest = values[0];
    for (int lane = 1; lane < LANES; lane++) highest = values[lane] > highest ? values[lane] : highest;
    return highest;
}

inline float sum_of(vec values) {
    float sum = 0;
    for (int lane = 0; lane < LANES; lane++) sum += values[lane];
    return sum;
}

// exp(x) = 2^n (1 + q): `scale` gets 2^n; returns q = exp(r) - 1 with |r| <= ln(2) / 2, by its Taylor series. What is no
// number stays none.
inline vec exp_parts(vec x, vec& scale) {
    const float rounder = 12582912.0f;  // adding 1.5 * 2^23 leaves no room for a fraction
    x = larger(all(-87.0f), smaller(all(88.0f), x));
    vec shifted = x * 1.44269504f + rounder;
    vec n = shifted - rounder;
    vec r = x - n * 0.693359375f + n * 2.12194440e-4f;
    scale = (vec)(((ivec)shifted - 0x4B400000 + 127) << 23);
    vec q = r * (1.0f / 5040) + 1.0f / 720;
    q = q * r + 1.0f / 120;
    q = q * r + 1.0f / 24;
    q = q * r + 1.0f / 6;
    q = q * r + 0.5f;
    q = q * r + 1.0f;
    return q * r;
}

inline vec exponential(vec x) {
    vec scale, q = exp_parts(x, scale);
    return scale * q + scale;
}

// 1 / x, for x from 1 on (from 2^126 on it may be 0): a guess of 14 bits, made better once (Newton).
inline vec reciprocal(vec x) {
#if NATIVE_LANES == 16
    vec guess = (vec)_mm512_rcp14_ps((__m512)x);
    return guess * (2.0f - x * guess);
#else
    return 1.0f / x;
#endif
}

inline vec sigmoid(vec x) { return reciprocal(exponential(-x) + 1.0f); }

inline vec hyperbolic_tangent(vec x) {
    vec scale, q = exp_parts(larger(all(-30.0f), smaller(all(30.0f), x + x)), scale);
    vec e = scale * q + (scale - 1.0f);  // exp(2 x) - 1, exact near 0
    return e * reciprocal(e + 2.0f);
}

// Memory on cache lines, with some to spare at the end so that whole vectors may be read.
template <class T>
class Block {
  public:
    Block() = default;
    explicit Block(size_t count) { resize(count); }
    // What it held is lost.
    void resize(size_t count) {
        if (count <= size_) return;
        size_t total = (count * sizeof(T) + 127) / 64 * 64;
        data_.reset(static_cast<T*>(std::aligned_alloc(64, total)));
        if (!data_) throw std::bad_alloc();
        memset(static_cast<void*>(data_.get()), 0, total);
        size_ = count;
    }
    T* get() const { return data_.get(); }
    T& operator[](size_t index) const { return data_.get()[index]; }

  private:
    struct Free {
        void operator()(T* data) const { std::free(data); }
    };
    std::unique_ptr<T, Free> data_;
    size_t size_ = 0;
};
