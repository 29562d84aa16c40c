// What training computes between its matrix products, for one instruction set. T is float or bf16.

// One step of a GRU: r, z = sigmoid(input + product), n = tanh(input + r * product), each with its bias, and
// h' = n + z * (h - n). The three gates are contiguous. Rows are numbered through all directions.
template <class T>
struct Gru {
    const GruView& view;
    const int hidden = view.hidden, gates_size = 3 * view.hidden;

    // Where a row's numbers are.
    struct Row {
        int direction;
        bool active, real, follows;  // in this step; not at its end; in the next step
        size_t row, token, offset, next_offset;
    };

    Row find(int number) const {
        const int direction = number / view.rows, row = number % view.rows;
        const int length = view.lengths ? int(view.lengths[row]) : view.steps;
        const bool active = row < view.active, real = active && view.step < length;
        const int time = real && (view.reversed >> direction & 1) ? length - 1 - view.step : view.step;
        const size_t offset = size_t(direction) * view.all_rows + row;
        return {direction,
                active,
                real,
                row < view.next_active,
                size_t(row) * view.directions + direction,
                (size_t(row) * view.steps + time) * view.directions + direction,
                offset + view.offset,
                offset + view.next_offset};
    }

    struct Gates {
        vec reset, keep, own, candidate;
    };

    template <class Count>
    Gates gates(const Row& at, int start, Count count) const {
        const T* hidden_gates = static_cast<const T*>(view.hidden_gates) + at.offset * gates_size + start;
        const T* input_gates = static_cast<const T*>(view.input_gates) + at.token * gates_size + start;
        const T* context_gates = view.context_gates ? static_cast<const T*>(view.context_gates) + at.row * gates_size + start : nullptr;
        const size_t biases = size_t(at.direction) * gates_size + start;
        auto product = [&](int gate) {
            return load(hidden_gates + gate * hidden, count) + load(view.hidden_bias + biases + gate * hidden, count);
        };
        auto input = [&](int gate) {
            vec sum = load(input_gates + gate * hidden, count) + load(view.input_bias + biases + gate * hidden, count);
            return context_gates ? sum + load(context_gates + gate * hidden, count) : sum;
        };
        Gates found;
        found.reset = sigmoid(input(0) + product(0));
        found.keep = sigmoid(input(1) + product(1));
        found.own = product(2);
        found.candidate = tanh(input(2) + found.reset * found.own);
        return found;
    }

    void forward(int first, int last) const {
        for (int number = first; number < last; number++) {
            const Row at = find(number);
            float* state = view.state + size_t(number) * hidden;
            T* output = static_cast<T*>(view.output) + at.token * hidden;
            T* next = static_cast<T*>(view.old_states) + at.next_offset * hidden;
            if (!at.real) memset(static_cast<void*>(output), 0, hidden * sizeof(T));
            if (!at.real && !at.follows) continue;
            for_each_vector(hidden, [&](int start, auto count) {
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
    // stays in `hidden_grad`, and the gradient of the products times their weights, which is not known here.
    void backward(int first, int last, float* bias_grads) const {
        for (int number = first; number < last; number++) {
            const Row at = find(number);
            const T* old = static_cast<const T*>(view.old_states) + at.offset * hidden;
            const T* grad = static_cast<const T*>(view.grad) + at.token * hidden;
            const T* next_hidden_grad = static_cast<const T*>(view.next_hidden_grad) + size_t(number) * hidden;
            float* hidden_grad = view.hidden_grad + size_t(number) * hidden;
            float* sums = bias_grads + size_t(at.direction) * 4 * hidden;
            T* input_gates = static_cast<T*>(view.input_gates_grad) + at.token * gates_size;
            T* hidden_gates = static_cast<T*>(view.hidden_gates_grad) + at.offset * gates_size;
            if (!at.real) memset(static_cast<void*>(input_gates), 0, gates_size * sizeof(T));
            if (at.active && !at.real) memset(static_cast<void*>(hidden_gates), 0, gates_size * sizeof(T));
            if (!at.real && !at.follows) continue;
            for_each_vector(hidden, [&](int start, auto count) {
                auto add = [&](int bias, vec values) {
                    float* sum = sums + bias * hidden + start;
                    store(sum, load(sum, count) + values, count);
                };
                vec whole = load(hidden_grad + start, count);
                if (at.follows) whole += load(next_hidden_grad + start, count);
                if (at.real) {
                    whole += load(grad + start, count);
                    Gates g = gates(at, start, count);
                    vec candidate = whole * (1.0f - g.keep) * (1.0f - g.candidate * g.candidate);
                    vec keep = whole * (load(old + start, count) - g.candidate) * g.keep * (1.0f - g.keep);
                    vec reset = candidate * g.own * g.reset * (1.0f - g.reset);
                    store(input_gates + start, reset, count);
                    store(input_gates + hidden + start, keep, count);
                    store(input_gates + 2 * hidden + start, candidate, count);
                    store(hidden_gates + start, reset, count);
                    store(hidden_gates + hidden + start, keep, count);
                    store(hidden_gates + 2 * hidden + start, candidate * g.reset, count);
                    add(0, reset);
                    add(1, keep);
                    add(2, candidate);
                    add(3, candidate * g.reset);
                    whole = whole * g.keep;
                }
                store(hidden_grad + start, whole, count);
            });
        }
    }
};

// The smoothed cross-entropy of some rows of logits, and its gradient in place.
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
            vec highest = broadcast(-INFINITY), sums = {};
            for_each_vector(vocab, [&](int start, auto count) {
                vec values = load(logits + start, count) + load(view.bias + start, count);
                store(exponentials + start, values, count);
                sums += values;
                if (count == LANES)
                    highest = max(highest, values);
                else
                    for (int i = 0; i < count; i++) highest[0] = std::max(highest[0], values[i]);
            });
            const float top = reduce_max(highest), mean = sum_of(sums) / vocab, wanted = exponentials[target];
            vec total = {};
            for_each_vector(vocab, [&](int start, auto count) {
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
            // The target is put right first: all are treated alike then.
            exponentials[target] -= (1 - view.smoothing) * sum;
            for_each_vector(vocab, [&](int start, auto count) {
                vec values = load(exponentials + start, count) * share - spread;
                store(logits + start, values, count);
                store(bias_grad + start, load(bias_grad + start, count) + values, count);
            });
        }
    }
};
