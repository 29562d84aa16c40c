// What training computes between its products of matrices, for one instruction set. T is float or bf16.

// One step of a GRU: r, z = sigmoid(share + product), n = tanh(share + r * product), each with its bias, and
// h' = n + z * (h - n). The three gates stand side by side. Rows are numbered through all directions.
template <class T>
struct Gru {
    const GruView& view;
    const int hidden = view.hidden, gates_size = 3 * view.hidden;

    // Where a row's numbers are.
    struct Row {
        int direction;
        bool active, real, follows;  // in this step's places; not at its end; in the next step's places
        size_t row, token, place, next_place;
    };

    Row find(int number) const {
        const int direction = number / view.rows, row = number % view.rows;
        const int length = view.lengths ? int(view.lengths[row]) : view.steps;
        const bool active = row < view.active, real = active && view.step < length;
        const int time = real && (view.reversed >> direction & 1) ? length - 1 - view.step : view.step;
        const size_t places = size_t(direction) * view.places + row;
        return {direction,
                active,
                real,
                row < view.next_active,
                size_t(row) * view.directions + direction,
                (size_t(row) * view.steps + time) * view.directions + direction,
                places + view.place,
                places + view.next_place};
    }

    struct Gates {
        vec reset, keep, own, candidate;
    };

    template <class Count>
    Gates gates(const Row& at, int start, Count count) const {
        const T* products = static_cast<const T*>(view.products) + at.place * gates_size + start;
        const T* shares = static_cast<const T*>(view.shares) + at.token * gates_size + start;
        const T* constant = view.constant ? static_cast<const T*>(view.constant) + at.row * gates_size + start : nullptr;
        const size_t biases = size_t(at.direction) * gates_size + start;
        auto product = [&](int gate) {
            return load(products + gate * hidden, count) + load(view.products_bias + biases + gate * hidden, count);
        };
        auto share = [&](int gate) {
            vec sum = load(shares + gate * hidden, count) + load(view.shares_bias + biases + gate * hidden, count);
            return constant ? sum + load(constant + gate * hidden, count) : sum;
        };
        Gates found;
        found.reset = sigmoid(share(0) + product(0));
        found.keep = sigmoid(share(1) + product(1));
        found.own = product(2);
        found.candidate = hyperbolic_tangent(share(2) + found.reset * found.own);
        return found;
    }

    void forward(int first, int last) const {
        for (int number = first; number < last; number++) {
            const Row at = find(number);
            float* state = view.state + size_t(number) * hidden;
            T* output = static_cast<T*>(view.output) + at.token * hidden;
            T* next = static_cast<T*>(view.old_states) + at.next_place * hidden;
            if (!at.real) memset(static_cast<void*>(output), 0, hidden * sizeof(T));
            if (!at.real && !at.follows) continue;
            in_lanes(hidden, [&](int start, auto count) {
                vec h = load(state + start, count);
                if (at.real) {
                    Gates g = gates(at, start, count);
                    h = g.candidate + g.keep * (h - g.candidate);
                    store(state + start, h, count);
                    store(output + start, h, count);
                }
                if (at.follows) store(next + start, h, count);
            });
        }
    }

    // From the gradient of a state to those of all that made it. The gradient of the old state comes in two parts: what
    // stays in `carried`, and the gradient of the products times their weights, which is not known here.
    void backward(int first, int last, float* bias_grads) const {
        for (int number = first; number < last; number++) {
            const Row at = find(number);
            const T* old = static_cast<const T*>(view.old_states) + at.place * hidden;
            const T* grad = static_cast<const T*>(view.grad) + at.token * hidden;
            const T* later = static_cast<const T*>(view.later) + size_t(number) * hidden;
            float* carried = view.carried + size_t(number) * hidden;
            float* sums = bias_grads + size_t(at.direction) * 4 * hidden;
            T* shares = static_cast<T*>(view.shares_grad) + at.token * gates_size;
            T* products = static_cast<T*>(view.products_grad) + at.place * gates_size;
            if (!at.real) memset(static_cast<void*>(shares), 0, gates_size * sizeof(T));
            if (at.active && !at.real) memset(static_cast<void*>(products), 0, gates_size * sizeof(T));
            if (!at.real && !at.follows) continue;
            in_lanes(hidden, [&](int start, auto count) {
                auto add = [&](int bias, vec values) {
                    float* sum = sums + bias * hidden + start;
                    store(sum, load(sum, count) + values, count);
                };
                vec whole = load(carried + start, count);
                if (at.follows) whole += load(later + start, count);
                if (at.real) {
                    whole += load(grad + start, count);
                    Gates g = gates(at, start, count);
                    vec candidate = whole * (1.0f - g.keep) * (1.0f - g.candidate * g.candidate);
                    vec keep = whole * (load(old + start, count) - g.candidate) * g.keep * (1.0f - g.keep);
                    vec reset = candidate * g.own * g.reset * (1.0f - g.reset);
                    store(shares + start, reset, count);
                    store(shares + hidden + start, keep, count);
                    store(shares + 2 * hidden + start, candidate, count);
                    store(products + start, reset, count);
                    store(products + hidden + start, keep, count);
                    store(products + 2 * hidden + start, candidate * g.reset, count);
                    add(0, reset);
                    add(1, keep);
                    add(2, candidate);
                    add(3, candidate * g.reset);
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
