// Matrices and matrix products, compiled once per instruction set.
//
// The result of a row does not depend on the other rows of the batch: each sum runs over the inputs in order.

constexpr int PANEL_VECTORS = NATIVE_PANEL_VECTORS, TILE_ROWS = NATIVE_TILE_ROWS;
typedef int8_t bytes __attribute__((vector_size(LANES)));

#if NATIVE_LANES == 16
constexpr int8_t FLIP = -128;  // vpdpbusd takes unsigned activations
#else
constexpr int8_t FLIP = 0;
#endif
constexpr int PANEL = PANEL_VECTORS * LANES;

// A row-major matrix; rows are padded to full panels.
struct Matrix {
    AlignedBuffer<float> data;
    ptrdiff_t stride = 0;

    void resize(int rows, int columns) {
        stride = padded(columns, 64);
        data.resize(size_t(rows) * stride);
    }
    float* operator[](int row) const { return data.get() + row * stride; }
};

// Adds the dot products of activations [4] with weights [LANES, 4] to the sums [LANES].
inline ivec add_dot_products(ivec sums, const int8_t* activations, const int8_t* weights) {
#if NATIVE_LANES == 16
    int group_of_4;
    memcpy(&group_of_4, activations, 4);
    return (ivec)_mm512_dpbusd_epi32((__m512i)sums, _mm512_set1_epi32(group_of_4), _mm512_load_si512(weights));
#elif NATIVE_LANES == 8
    int group_of_4;
    memcpy(&group_of_4, activations, 4);
    __m256i x = _mm256_set1_epi32(group_of_4), w = _mm256_load_si256(reinterpret_cast<const __m256i*>(weights));
    // Both are in [-127, 127], so the sum of two products fits into 16 bits.
    __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(x), _mm256_sign_epi8(w, x));
    return (ivec)_mm256_add_epi32((__m256i)sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
#elif defined(NATIVE_DOT_PRODUCT)
    int group_of_4;
    memcpy(&group_of_4, activations, 4);
    return (ivec)vdotq_s32((int32x4_t)sums, vld1q_s8(weights), vreinterpretq_s8_s32(vdupq_n_s32(group_of_4)));
#elif defined(NATIVE_ARM)
    int group_of_4;
    memcpy(&group_of_4, activations, 4);
    int8x16_t w = vld1q_s8(weights), x = vreinterpretq_s8_s32(vdupq_n_s32(group_of_4));
    int16x8_t low = vmull_s8(vget_low_s8(w), vget_low_s8(x)), high = vmull_high_s8(w, x);
    // Sums of pairs, and then of these, in 32 bits: two products of -127 to 127 fit into 16.
    return (ivec)vaddq_s32((int32x4_t)sums, vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high)));
#elif defined(__wasm_simd128__)
    int group_of_4;
    memcpy(&group_of_4, activations, 4);
    v128_t w = wasm_v128_load(weights), x = wasm_i32x4_splat(group_of_4);
    v128_t low = wasm_i16x8_extmul_low_i8x16(w, x), high = wasm_i16x8_extmul_high_i8x16(w, x);
    v128_t low_pairs = wasm_i32x4_extadd_pairwise_i16x8(low), high_pairs = wasm_i32x4_extadd_pairwise_i16x8(high);
    return sums + (ivec)wasm_i32x4_add(wasm_i32x4_shuffle(low_pairs, high_pairs, 0, 2, 4, 6),
                                       wasm_i32x4_shuffle(low_pairs, high_pairs, 1, 3, 5, 7));
#else
    for (int column = 0; column < LANES; column++)
        for (int k = 0; k < 4; k++) sums[column] += int(activations[k]) * int(weights[4 * column + k]);
    return sums;
#endif
}

// y = W x + b, packed for small batches: W is stored in panels of PANEL outputs, each ordered by input.
class Linear {
  public:
    Linear() = default;

    // padding: the value of the outputs past the last.
    explicit Linear(const LinearView& view, float padding = 0) : Linear(view, padding, nullptr, view.out) {}

    // Only `count` of the outputs: those in `selected` (ascending), or the first if it is null.
    Linear(const LinearView& view, float padding, const int32_t* selected, int count)
        : out(count), in(view.in), width(padded(count, PANEL)), selected_(selected) {
        bias_.resize(width);
        for (int o = 0; o < width; o++) bias_[o] = o < out ? view.bias[row(o)] : padding;
        if (view.weight)
            pack(view.weight, view.stride);
        else if (out)
            pack(view.quantized, view.scales, view.stride);
    }

    // x [rows, in] with row stride `stride` -> y [rows, width] with row stride `y_stride`.
    void operator()(const float* x, ptrdiff_t stride, int rows, float* y, ptrdiff_t y_stride) const {
        NATIVE_THREAD_LOCAL AlignedBuffer<int8_t> quantized;
        NATIVE_THREAD_LOCAL AlignedBuffer<float> scales;
        ptrdiff_t q_stride = padded(in, 64);
        if (groups_) {
            quantized.resize(rows * q_stride);
            scales.resize(rows);
            for (int row = 0; row < rows; row++)
                scales[row] = quantize(x + row * stride, quantized.get() + row * q_stride);
        }
        // A panel of weights stays in the cache for all rows.
        for (int panel = 0; panel < width; panel += PANEL)
            for_tiles(rows, [&](auto tile, int first) {
                constexpr int count = decltype(tile)::value;
                float* to = y + first * y_stride + panel;
                if (groups_)
                    int8_tile<count>(quantized.get() + first * q_stride, q_stride, scales.get() + first, panel, to,
                                     y_stride);
                else
                    float_tile<count>(x + first * stride, stride, panel, to, y_stride);
            });
    }

    int out = 0, in = 0, width = 0;

    // The row of the weight that computes an output.
    int row(int o) const { return selected_ ? selected_[o] : o; }

    // The output that a row of the weight computes.
    int output_of(int row) const {
        return selected_ ? int(std::lower_bound(selected_, selected_ + out, row) - selected_) : row;
    }

  private:
    void pack(const float* weight, ptrdiff_t stride) {
        weights_.resize(size_t(width) * in);
        for (int panel = 0; panel < out; panel += PANEL) {
            float* to = weights_.get() + size_t(panel) * in;
            with_panel_rows(panel, weight, stride, [&](auto& rows, int count) {
                for (int i = 0; i < in; i++, to += PANEL)
                    for (int o = 0; o < count; o++) to[o] = rows[o][i];
            });
        }
    }

    // Calls body(pointers to the weight rows of a panel, their number).
    template <class T, class Body>
    void with_panel_rows(int panel, const T* weight, ptrdiff_t stride, Body body) const {
        const T* rows[PANEL];
        int count = std::min(PANEL, out - panel);
        for (int o = 0; o < count; o++) rows[o] = weight + row(panel + o) * stride;
        body(rows, count);
    }

    void pack(const int8_t* weight, const float* scales, ptrdiff_t stride) {
        groups_ = padded(in, 4) / 4;
        bytes_.resize(size_t(width) * groups_ * 4);
        scales_.resize(width);
        offsets_.resize(width);
        for (int panel = 0; panel < out; panel += PANEL) {
            int8_t* to = bytes_.get() + size_t(panel) * groups_ * 4;
            with_panel_rows(panel, weight, stride, [&](auto& rows, int count) {
                for (int i = 0; i < in; i += 4, to += PANEL * 4)
                    for (int o = 0; o < count; o++) memcpy(to + o * 4, rows[o] + i, std::min(4, in - i));
                for (int o = 0; o < count; o++) {
                    scales_[panel + o] = scales[row(panel + o)];
                    int sum = 0;
                    for (int i = 0; i < in; i++) sum += rows[o][i];
                    offsets_[panel + o] = sum * (FLIP ? 128 : 0);
                }
            });
        }
    }

    // Calls body(row count as a compile-time constant, first row) for tiles of about equal height.
    template <class Body>
    static void for_tiles(int rows, Body body) {
        int tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
        for (int tile = 0, first = 0; tile < tiles; tile++) {
            int count = (rows - first + tiles - tile - 1) / (tiles - tile);
            switch (count) {
                case 1: body(std::integral_constant<int, 1>(), first); break;
                case 2: body(std::integral_constant<int, 2>(), first); break;
                case 3: body(std::integral_constant<int, 3>(), first); break;
                case 4: body(std::integral_constant<int, 4>(), first); break;
                case 5: body(std::integral_constant<int, 5>(), first); break;
                default: body(std::integral_constant<int, 6>(), first);
            }
            first += count;
        }
    }

    template <int ROWS>
    void float_tile(const float* x, ptrdiff_t stride, int panel, float* y, ptrdiff_t y_stride) const {
        const float* weight = weights_.get() + size_t(panel) * in;
        vec sums[ROWS][PANEL_VECTORS];
        for (auto& row : sums)
            for (int v = 0; v < PANEL_VECTORS; v++) row[v] = load(bias_.get() + panel + v * LANES);
        for (int i = 0; i < in; i++, weight += PANEL)
            for (int row = 0; row < ROWS; row++)
                for (int v = 0; v < PANEL_VECTORS; v++) sums[row][v] += x[row * stride + i] * load(weight + v * LANES);
        for (int row = 0; row < ROWS; row++)
            for (int v = 0; v < PANEL_VECTORS; v++) store(y + row * y_stride + v * LANES, sums[row][v]);
    }

    template <int ROWS>
    void int8_tile(const int8_t* x, ptrdiff_t stride, const float* x_scales, int panel, float* y, ptrdiff_t y_stride) const {
        const int8_t* weight = bytes_.get() + size_t(panel) * groups_ * 4;
        ivec sums[ROWS][PANEL_VECTORS] = {};
        for (int group = 0; group < groups_; group++, weight += PANEL * 4)
            for (int row = 0; row < ROWS; row++)
                for (int v = 0; v < PANEL_VECTORS; v++)
                    sums[row][v] = add_dot_products(sums[row][v], x + row * stride + group * 4, weight + v * LANES * 4);
        for (int v = 0; v < PANEL_VECTORS; v++) {
            int column = panel + v * LANES;
            ivec offset;
            memcpy(&offset, offsets_.get() + column, sizeof offset);
            for (int row = 0; row < ROWS; row++) {
                vec products = __builtin_convertvector(sums[row][v] - offset, vec);
                vec scale = load(scales_.get() + column) * x_scales[row];
                store(y + row * y_stride + v * LANES, products * scale + load(bias_.get() + column));
            }
        }
    }

    // Quantizes one row to int8 and returns its scale.
    float quantize(const float* x, int8_t* quantized) const {
        vec maxima = {};
        for_each_vector(in, [&](int start, int count) {
            vec values = load(x + start, count);
            maxima = max(maxima, max(values, -values));
        });
        float max_abs = reduce_max(maxima);
        if (!(max_abs > 0)) max_abs = 1;
        float to_int = 127 / max_abs;
        for_each_vector(in, [&](int start, int count) {
            ivec rounded = (ivec)(load(x + start, count) * to_int + 12582912.0f) - 0x4B400000;
            bytes narrow = __builtin_convertvector(rounded, bytes) ^ FLIP;
            memcpy(quantized + start, &narrow, sizeof narrow);
        });
        return max_abs / 127;
    }

    AlignedBuffer<float> bias_, weights_, scales_;
    AlignedBuffer<int8_t> bytes_;
    AlignedBuffer<int32_t> offsets_;
    const int32_t* selected_ = nullptr;
    int groups_ = 0;  // of four inputs each; 0 unless the weights are int8
};
