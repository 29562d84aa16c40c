// What training computes between its products of matrices, for one instruction set. T is float or bf16.

// One step of a GRU for some rows: r, z = sigmoid(share + product), n = tanh(share + r * product), each with its bias,
// and h' = n + z * (h - n). The three gates stand side by side in [rows, 3 H].
template <class T>
struct Gru {
    const GruView& view;
    int hidden = view.hidden;

    struct Gates {
        vec reset, keep, own, candidate;
    };

    template <class Count>
    Gates gates(int row, int start, Count count) const {
        const size_t place = size_t(row) * 3 * hidden + start;
        const T* products = static_cast<const T*>(view.products) + place;
        const T* shares = static_cast<const T*>(view.shares) + place;
        const T* constant = view.constant ? static_cast<const T*>(view.constant) + place : nullptr;
        auto with_bias = [&](const T* values, const float* bias, int gate) {
            return load(values + gate * hidden, count) + load(bias + gate * hidden + start, count);
        };
        auto product = [&](int gate) { return with_bias(products, view.products_bias, gate); };
        auto share = [&](int gate) {
            vec sum = with_bias(shares, view.shares_bias, gate);
            return constant ? sum + load(constant + gate * hidden, count) : sum;
        };
        Gates found;
        found.reset = sigmoid(share(0) + product(0));
        found.keep = sigmoid(share(1) + product(1));
        found.own = product(2);
        found.candidate = hyperbolic_tangent(share(2) + found.reset * found.own);
        return found;
    }

    bool real(int row) const { return row < view.active && (!view.lengths || view.time < view.lengths[row]); }

    void forward(int first, int last) const {
        for (int row = first; row < last; row++) {
            const float* old = view.old_state + size_t(row) * hidden;
            float* state = view.state + size_t(row) * hidden;
            T* low = view.low_state ? static_cast<T*>(view.low_state) + size_t(row) * hidden : nullptr;
            T* output = static_cast<T*>(view.output) + row * view.stride;
            bool is_real = real(row);
            in_lanes(hidden, [&](int start, auto count) {
                vec next = load(old + start, count);
                if (is_real) {
                    Gates g = gates(row, start, count);
                    next = g.candidate + g.keep * (next - g.candidate);
                }
                store(state + start, next, count);
                store(output + start, next, count);
                if (low) store(low + start, next, count);
            });
        }
    }

    // From the gradient of a state to those of all that made it. The gradient of the old state comes in two parts: what
    // stays in `carried`, and the gradient of the products times their weights, which is not known here.
    void backward(int first, int last, float* bias_grads) const {
        for (int row = first; row < last; row++) {
            const float* old = view.old_state + size_t(row) * hidden;
            const T* grad = static_cast<const T*>(view.grad) + row * view.stride;
            float* carried = view.carried + size_t(row) * hidden;
            const T* later = row < view.later_rows ? static_cast<const T*>(view.later) + size_t(row) * hidden : nullptr;
            T* shares = static_cast<T*>(view.shares_grad) + size_t(row) * 3 * hidden;
            T* products = static_cast<T*>(view.products_grad) + size_t(row) * 3 * hidden;
            bool is_real = real(row);
            if (!is_real) {
                memset(static_cast<void*>(shares), 0, 3 * hidden * sizeof(T));
                memset(static_cast<void*>(products), 0, 3 * hidden * sizeof(T));
            }
            auto add = [&](int gate, int start, vec values, auto count) {
                float* sums = bias_grads + gate * hidden + start;
                store(sums, load(sums, count) + values, count);
            };
            in_lanes(hidden, [&](int start, auto count) {
                vec whole = load(grad + start, count) + load(carried + start, count);
                if (later) whole += load(later + start, count);
                if (is_real) {
                    Gates g = gates(row, start, count);
                    vec candidate = whole * (1.0f - g.keep) * (1.0f - g.candidate * g.candidate);
                    vec keep = whole * (load(old + start, count) - g.candidate) * g.keep * (1.0f - g.keep);
                    vec reset = candidate * g.own * g.reset * (1.0f - g.reset);
                    store(shares + start, reset, count);
                    store(shares + hidden + start, keep, count);
                    store(shares + 2 * hidden + start, candidate, count);
                    store(products + start, reset, count);
                    store(products + hidden + start, keep, count);
                    store(products + 2 * hidden + start, candidate * g.reset, count);
                    add(0, start, reset, count);
                    add(1, start, keep, count);
                    add(2, start, candidate, count);
                    add(3, start, candidate * g.reset, count);
                    whole = whole * g.keep;
                }
                store(carried + start, whole, count);
            });
        }
    }
};

// The smoothed cross-entropy of some rows of logits, and its gradient in their place.
template <class T>
struct Loss {
    const LossView& view;

    // bias_grad [V]: what is added to; exponentials: room for [V].
    void run(int first, int last, float* bias_grad, float* exponentials) const {
        const int vocab = view.vocab;
        const float spread = view.smoothing / vocab;
        for (int row = first; row < last; row++) {
            T* logits = static_cast<T*>(view.logits) + size_t(row) * vocab;
            const int64_t target = view.targets[row];
            vec highest = all(-INFINITY), sums = {};
            in_lanes(vocab, [&](int start, auto count) {
                vec values = load(logits + start, count) + load(view.bias + start, count);
                store(exponentials + start, values, count);
                sums += values;
                if (count == LANES)
                    highest = larger(highest, values);
                else
                    for (int i = 0; i < count; i++) highest[0] = std::max(highest[0], values[i]);
            });
            const float top = highest_of(highest), mean = sum_of(sums) / vocab, wanted = exponentials[target];
            vec total = {};
            in_lanes(vocab, [&](int start, auto count) {
                vec values = exponential(load(exponentials + start, count) - top);
                store(exponentials + start, values, count);
                if (count == LANES)
                    total += values;
                else
                    for (int i = 0; i < count; i++) total[0] += values[i];
            });
            const float sum = sum_of(total), log_sum = top + std::log(sum);
            view.losses[row] = log_sum - (1 - view.smoothing) * wanted - view.smoothing * mean;
            if (!bias_grad) continue;
            const float share = 1 / sum;
            // The target's own place is put right first: all are treated alike then.
            exponentials[target] -= (1 - view.smoothing) * sum;
            in_lanes(vocab, [&](int start, auto count) {
                vec values = load(exponentials + start, count) * share - spread;
                store(logits + start, values, count);
                store(bias_grad + start, load(bias_grad + start, count) + values, count);
            });
        }
    }
};
