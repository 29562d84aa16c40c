// The training kernels between the matrix products. Included once per instruction set. T is float or bf16.

// One step of a GRU: r, z = sigmoid(W x + U h), n = tanh(W x + r * U h), both products with a bias, and
// h' = n + z * (h - n). The three gates are contiguous. Row indices run over all directions.
template <class T>
struct Gru {
    const Seq2seqGruStep& view;
    const int hidden = view.hidden, gates_size = 3 * view.hidden;

    // The status of a row in this step, and its indices into the buffers.
    struct Row {
        int direction;
        bool active, real, next_active;  // in this step; not padding; active in the next step
        size_t context, token, offset, next_offset;
    };

    Row locate(int index) const {
        const int direction = index / view.rows, row = index % view.rows;
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
        vec reset, update, hidden_candidate, candidate;
    };

    template <class Count>
    Gates gates(const Row& row, int start, Count count) const {
        const T* hidden_gates = static_cast<const T*>(view.hidden_gates) + row.offset * gates_size + start;
        const T* input_gates = static_cast<const T*>(view.input_gates) + row.token * gates_size + start;
        const T* context_gates =
            view.context_gates ? static_cast<const T*>(view.context_gates) + row.context * gates_size + start : nullptr;
        const size_t biases = size_t(row.direction) * gates_size + start;
        auto product = [&](int gate) {
            return load(hidden_gates + gate * hidden, count) + load(view.hidden_bias + biases + gate * hidden, count);
        };
        auto input = [&](int gate) {
            vec sum = load(input_gates + gate * hidden, count) + load(view.input_bias + biases + gate * hidden, count);
            return context_gates ? sum + load(context_gates + gate * hidden, count) : sum;
        };
        Gates g;
        g.reset = sigmoid(input(0) + product(0));
        g.update = sigmoid(input(1) + product(1));
        g.hidden_candidate = product(2);
        g.candidate = tanh(input(2) + g.reset * g.hidden_candidate);
        return g;
    }

    void forward(int first, int end) const {
        for (int index = first; index < end; index++) {
            const Row row = locate(index);
            float* state = view.state + size_t(index) * hidden;
            T* output = static_cast<T*>(view.output) + row.token * hidden;
            T* next = static_cast<T*>(view.old_states) + row.next_offset * hidden;
            if (!row.real) memset(static_cast<void*>(output), 0, hidden * sizeof(T));
            if (!row.real && !row.next_active) continue;
            for_each_vector(hidden, [&](int start, auto count) {
                vec h = load(state + start, count);
                if (row.real) {
                    Gates g = gates(row, start, count);
                    h = g.candidate + g.update * (h - g.candidate);
                    store(state + start, h, count);
                    store(output + start, h, count);
                }
                if (row.next_active) store(next + start, h, count);
            });
        }
    }

    // From the gradient of the new state to those of the gates, the biases and the old state. The latter has two parts:
    // this function leaves one in `hidden_grad`; the caller computes the other, through U h, as a matrix product.
    void backward(int first, int end, float* bias_grads) const {
        for (int index = first; index < end; index++) {
            const Row row = locate(index);
            const T* old = static_cast<const T*>(view.old_states) + row.offset * hidden;
            const T* grad = static_cast<const T*>(view.grad) + row.token * hidden;
            const T* next_hidden_grad = static_cast<const T*>(view.next_hidden_grad) + size_t(index) * hidden;
            float* hidden_grad = view.hidden_grad + size_t(index) * hidden;
            float* sums = bias_grads + size_t(row.direction) * 4 * hidden;
            T* input_gates_grad = static_cast<T*>(view.input_gates_grad) + row.token * gates_size;
            T* hidden_gates_grad = static_cast<T*>(view.hidden_gates_grad) + row.offset * gates_size;
            if (!row.real) memset(static_cast<void*>(input_gates_grad), 0, gates_size * sizeof(T));
            if (row.active && !row.real) memset(static_cast<void*>(hidden_gates_grad), 0, gates_size * sizeof(T));
            if (!row.real && !row.next_active) continue;
            for_each_vector(hidden, [&](int start, auto count) {
                auto add = [&](int bias, vec values) {
                    float* sum = sums + bias * hidden + start;
                    store(sum, load(sum, count) + values, count);
                };
                vec state_grad = load(hidden_grad + start, count);
                if (row.next_active) state_grad += load(next_hidden_grad + start, count);
                if (row.real) {
                    state_grad += load(grad + start, count);
                    Gates g = gates(row, start, count);
                    vec candidate = state_grad * (1.0f - g.update) * (1.0f - g.candidate * g.candidate);
                    vec update = state_grad * (load(old + start, count) - g.candidate) * g.update * (1.0f - g.update);
                    vec reset = candidate * g.hidden_candidate * g.reset * (1.0f - g.reset);
                    store(input_gates_grad + start, reset, count);
                    store(input_gates_grad + hidden + start, update, count);
                    store(input_gates_grad + 2 * hidden + start, candidate, count);
                    store(hidden_gates_grad + start, reset, count);
                    store(hidden_gates_grad + hidden + start, update, count);
                    store(hidden_gates_grad + 2 * hidden + start, candidate * g.reset, count);
                    add(0, reset);
                    add(1, update);
                    add(2, candidate);
                    add(3, candidate * g.reset);
                    state_grad = state_grad * g.update;
                }
                store(hidden_grad + start, state_grad, count);
            });
        }
    }
};

// The label-smoothed cross-entropy of rows of logits; the gradient overwrites the logits.
template <class T>
struct Loss {
    const Seq2seqLossRows& view;

    // bias_grad [V]: accumulated, may be null; scratch [V].
    void run(int first, int end, float* bias_grad, float* scratch) const {
        const int vocab = view.vocab;
        const float uniform = view.smoothing / vocab;
        for (int row = first; row < end; row++) {
            T* logits = static_cast<T*>(view.logits) + size_t(row) * vocab;
            const int64_t target = view.targets[row];
            vec maxima = broadcast(-INFINITY), sums = {};
            for_each_vector(vocab, [&](int start, auto count) {
                vec values = load(logits + start, count) + load(view.bias + start, count);
                store(scratch + start, values, count);
                sums += values;
                if (count == LANES)
                    maxima = max(maxima, values);
                else
                    for (int i = 0; i < count; i++) maxima[0] = std::max(maxima[0], values[i]);
            });
            const float max_logit = reduce_max(maxima), mean = reduce_sum(sums) / vocab, target_logit = scratch[target];
            vec total = {};
            for_each_vector(vocab, [&](int start, auto count) {
                vec values = exp(load(scratch + start, count) - max_logit);
                store(scratch + start, values, count);
                if (count == LANES)
                    total += values;
                else
                    for (int i = 0; i < count; i++) total[0] += values[i];
            });
            const float sum = reduce_sum(total), log_sum = max_logit + std::log(sum);
            view.losses[row] = log_sum - (1 - view.smoothing) * target_logit - view.smoothing * mean;
            if (!bias_grad) continue;
            const float inverse_sum = 1 / sum;
            // Subtract the target's weight, 1 - smoothing, before the loop, which then needs no special case.
            scratch[target] -= (1 - view.smoothing) * sum;
            for_each_vector(vocab, [&](int start, auto count) {
                vec values = load(scratch + start, count) * inverse_sum - uniform;
                store(logits + start, values, count);
                store(bias_grad + start, load(bias_grad + start, count) + values, count);
            });
        }
    }
};
