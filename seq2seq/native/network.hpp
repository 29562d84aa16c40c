// The forward pass of a batch: the C++ counterpart of `model/network.py`. Included once per instruction set.

struct Recurrence {
    explicit Recurrence(const RecurrenceView& view)
        : cell(view.cell), hidden(view.recurrent.in), inputs(view.inputs), recurrent(view.recurrent) {}

    int state_size() const { return cell == SEQ2SEQ_LSTM ? 2 * hidden : hidden; }

    // One step of one row. input_gates: W x + b; hidden_gates: U h + b; next may be the same memory as state.
    void step(const float* input_gates, const float* hidden_gates, const float* state, float* next) const {
        auto load_gate = [&](const float* gates, int gate, int start, int count) {
            return load(gates + gate * hidden + start, count);
        };
        for_each_vector(hidden, [&](int start, int count) {
            auto sum = [&](int gate) {
                return load_gate(input_gates, gate, start, count) + load_gate(hidden_gates, gate, start, count);
            };
            vec h;
            if (cell == SEQ2SEQ_GRU) {
                vec reset = sigmoid(sum(0)), update = sigmoid(sum(1));
                vec candidate = tanh(load_gate(input_gates, 2, start, count) +
                                     reset * load_gate(hidden_gates, 2, start, count));
                h = candidate + update * (load(state + start, count) - candidate);
            } else if (cell == SEQ2SEQ_LSTM) {
                vec memory = sigmoid(sum(1)) * load(state + hidden + start, count) +
                             sigmoid(sum(0)) * tanh(sum(2));
                h = sigmoid(sum(3)) * tanh(memory);
                store(next + hidden + start, memory, count);
            } else {
                h = tanh(sum(0));
            }
            store(next + start, h, count);
        });
    }

    int cell, hidden;
    Linear inputs, recurrent;
};

inline void tanh_rows(Matrix& matrix, int rows, int columns) {
    for (int row = 0; row < rows; row++)
        for_each_vector(columns, [&](int start, int count) {
            store(matrix[row] + start, tanh(load(matrix[row] + start, count)), count);
        });
}

inline void add(float* to, const float* other, int size) {
    for_each_vector(size, [&](int start, int count) {
        store(to + start, load(to + start, count) + load(other + start, count), count);
    });
}

// What the decoder reads of B encoded sentences. In matrices with one row per token, sentence b has the rows from
// starts[b] up to starts[b + 1].
struct EncodedBatch {
    std::vector<int> starts;
    Matrix outputs;                          // per token: the states of the top encoder layer
    Matrix context, first_states;            // per sentence
    Matrix context_gates, context_features;  // per sentence, from the fixed context
    Matrix summary_features;                 // per sentence and summary
    Matrix keys, values;                     // per token, for attention
    std::vector<Linear> shortlists;          // per sentence, the output layer of its shortlist; empty: no shortlists
};

struct Network {
    explicit Network(const NetworkView& view)
        : view(view), summary(view.summary), first_state(view.first_state), readout(view.readout),
          output(view.output, -INFINITY), context_gates(view.context_gates), context_readout(view.context_readout),
          key(view.key), query(view.query), value(view.value), weigh(view.weigh), gate(view.gate),
          mixture(view.mixture) {
        for (const RecurrenceView& layer : view.encoder) encoder.emplace_back(layer);
        for (const RecurrenceView& layer : view.decoder) decoder.emplace_back(layer);
        for (const Recurrence& layer : decoder) state_size += layer.state_size();
        tabulate(view.token_gates, token_gates);
        tabulate(view.token_readout, token_readout);
    }

    // The outputs of a layer for each target token.
    void tabulate(const LinearView& layer, Matrix& table) const {
        Linear linear(layer);
        table.resize(view.output.out, linear.width);
        linear(view.tgt_embedding, view.embedding_size, view.output.out, table[0], table.stride);
    }

    // Runs one direction over all sentences: x [tokens, input size] -> H columns of `out`, from `column` on.
    void run_direction(const Recurrence& layer, const EncodedBatch& batch, const float* x, ptrdiff_t stride, Matrix& out,
                       int column, bool backwards) const {
        int sentences = int(batch.starts.size()) - 1, tokens = batch.starts.back(), longest = 0;
        Matrix input_gates, states, hidden_gates;
        input_gates.resize(tokens, layer.inputs.width);
        layer.inputs(x, stride, tokens, input_gates[0], input_gates.stride);
        states.resize(sentences, layer.state_size());
        hidden_gates.resize(sentences, layer.recurrent.width);
        for (int b = 0; b < sentences; b++) longest = std::max(longest, batch.starts[b + 1] - batch.starts[b]);
        for (int time = 0; time < longest; time++) {
            // Rows of sentences that have ended are computed too, and ignored.
            layer.recurrent(states[0], states.stride, sentences, hidden_gates[0], hidden_gates.stride);
            for (int b = 0; b < sentences; b++) {
                int token = backwards ? batch.starts[b + 1] - 1 - time : batch.starts[b] + time;
                if (token < batch.starts[b] || token >= batch.starts[b + 1]) continue;
                layer.step(input_gates[token], hidden_gates[b], states[b], states[b]);
                memcpy(out[token] + column, states[b], layer.hidden * sizeof(float));
            }
        }
    }

    void encode(const int32_t* tokens, EncodedBatch& batch) const {
        int count = batch.starts.back(), size = view.embedding_size, hidden = 0;
        Matrix inputs, outputs;
        inputs.resize(count, size);
        for (int i = 0; i < count; i++)
            memcpy(inputs[i], view.src_embedding + size_t(tokens[i]) * size, size * sizeof(float));
        for (int layer = 0; layer < view.encoder_layers; layer++) {
            const Recurrence* layers = &encoder[layer * view.directions];
            hidden = layers->hidden;
            outputs.resize(count, hidden * view.directions);
            for (int direction = 0; direction < view.directions; direction++)
                run_direction(layers[direction], batch, inputs[0], inputs.stride, outputs, direction * hidden,
                              direction);
            std::swap(inputs, outputs);
        }
        batch.outputs = std::move(inputs);
        pool(batch, hidden);
    }

    // The context vectors: a tanh layer on the final state, the mean and the maximum of the states of each sentence.
    void pool(EncodedBatch& batch, int hidden) const {
        int sentences = int(batch.starts.size()) - 1, width = hidden * view.directions;
        Matrix pooled;
        pooled.resize(sentences, 3 * width);
        for (int b = 0; b < sentences; b++) {
            int first = batch.starts[b], last = batch.starts[b + 1] - 1;
            for (int direction = 0; direction < view.directions; direction++)
                memcpy(pooled[b] + direction * hidden, batch.outputs[direction ? first : last] + direction * hidden,
                       hidden * sizeof(float));
            for_each_vector(width, [&](int start, int count) {
                vec sum = {}, maximum = broadcast(-INFINITY);
                for (int token = first; token <= last; token++) {
                    vec state = load(batch.outputs[token] + start, count);
                    sum += state;
                    maximum = max(maximum, state);
                }
                store(pooled[b] + width + start, sum / float(last - first + 1), count);
                store(pooled[b] + 2 * width + start, maximum, count);
            });
        }
        apply(summary, pooled, sentences, batch.context);
        tanh_rows(batch.context, sentences, summary.out);
    }

    static void apply(const Linear& layer, const Matrix& x, int rows, Matrix& y) {
        y.resize(rows, layer.width);
        layer(x[0], x.stride, rows, y[0], y.stride);
    }

    // Encodes the tokens of all sentences into `batch`, whose `starts` are already set.
    void start(const int32_t* tokens, EncodedBatch& batch) const {
        encode(tokens, batch);
        int sentences = int(batch.starts.size()) - 1;
        apply(first_state, batch.context, sentences, batch.first_states);
        tanh_rows(batch.first_states, sentences, state_size);
        if (view.has_attention) {
            if (key.out) apply(key, batch.outputs, batch.starts.back(), batch.keys);
            apply(value, batch.outputs, batch.starts.back(), batch.values);
        } else {
            apply(context_gates, batch.context, sentences, batch.context_gates);
            apply(context_readout, batch.context, sentences, batch.context_features);
            if (weigh.out) summarize(batch);
        }
    }

    // Projects the summaries to the readout; each summary is a weighted mean of the sentence's encoder outputs.
    void summarize(EncodedBatch& batch) const {
        int sentences = int(batch.starts.size()) - 1, count = weigh.out;
        Matrix scores, summaries;
        apply(weigh, batch.outputs, batch.starts.back(), scores);
        summaries.resize(sentences * count, weigh.in);
        AlignedBuffer<float> weights(padded(batch.starts.back(), LANES));
        for (int b = 0; b < sentences; b++) {
            int first = batch.starts[b], tokens = batch.starts[b + 1] - first;
            for (int k = 0; k < count; k++) {
                for (int s = 0; s < tokens; s++) weights[s] = scores[first + s][k];
                float total = unnormalized_softmax(weights.get(), tokens);
                float* summary = summaries[b * count + k];
                memset(summary, 0, weigh.in * sizeof(float));
                add_weighted_mean(batch.outputs, first, tokens, weights.get(), total, weigh.in, summary);
            }
        }
        apply(mixture, summaries, sentences * count, batch.summary_features);
    }

    // Replaces each score by exp(score - maximum) and returns their sum.
    static float unnormalized_softmax(float* scores, int count) {
        float maximum = -INFINITY, total = 0;
        for (int i = 0; i < count; i++) maximum = std::max(maximum, scores[i]);
        for_each_vector(count, [&](int start, int lanes) {
            store(scores + start, exp(load(scores + start, lanes) - maximum), lanes);
        });
        for (int i = 0; i < count; i++) total += scores[i];
        return total;
    }

    // Adds the weighted mean of `count` rows from `first` on to `to`; total: the sum of the weights.
    static void add_weighted_mean(const Matrix& rows, int first, int count, const float* weights, float total, int size,
                                  float* to) {
        for_each_vector(size, [&](int start, int lanes) {
            vec sum = {};
            for (int i = 0; i < count; i++) sum += weights[i] * load(rows[first + i] + start, lanes);
            store(to + start, load(to + start, lanes) + sum / total, lanes);
        });
    }

    // Adds the attention-weighted mean of the sentence's values to `features`. scores: scratch memory.
    void attend(const EncodedBatch& batch, int sentence, const float* query, float* features, float* scores) const {
        int first = batch.starts[sentence], count = batch.starts[sentence + 1] - first;
        const Matrix& keys = key.out ? batch.keys : batch.outputs;
        int size = key.out ? key.out : value.in;
        for (int s = 0; s < count; s++) {
            vec sums = {};
            for_each_vector(size, [&](int start, int lanes) {
                vec q = load(query + start, lanes), k = load(keys[first + s] + start, lanes);
                sums += view.attention_score
                            ? tanh(q + k) * load(view.attention_score + start, lanes)
                            : q * k;
            });
            scores[s] = reduce_sum(sums);
        }
        float total = unnormalized_softmax(scores, count);
        add_weighted_mean(batch.values, first, count, scores, total, value.out, features);
    }

    // Buffers of a step, reused by the next.
    struct Scratch {
        Matrix input_gates, hidden_gates, outputs, features;
        Matrix queries;  // of attention, or the mixture weights of the summaries
        AlignedBuffer<float> scores;
    };

    // One step of N hypotheses: tokens, sentences [N], states [N, state_size] -> next states, logits [N, V].
    void step(const int32_t* tokens, const int32_t* sentences, int rows, const Matrix& states,
              const EncodedBatch& batch, Matrix& next_states, Matrix& logits, Scratch& scratch) const {
        next_states.resize(rows, state_size);
        int column = 0;
        for (size_t index = 0; index < decoder.size(); index++) {
            const Recurrence& layer = decoder[index];
            int width = layer.recurrent.out;
            if (index)
                apply(layer.inputs, scratch.outputs, rows, scratch.input_gates);
            else
                scratch.input_gates.resize(rows, width);
            scratch.hidden_gates.resize(rows, layer.recurrent.width);
            layer.recurrent(states[0] + column, states.stride, rows, scratch.hidden_gates[0],
                            scratch.hidden_gates.stride);
            scratch.outputs.resize(rows, layer.hidden);
            for (int row = 0; row < rows; row++) {
                float* input_gates = scratch.input_gates[row];
                if (!index) {
                    memcpy(input_gates, token_gates[tokens[row]], width * sizeof(float));
                    if (!view.has_attention) add(input_gates, batch.context_gates[sentences[row]], width);
                }
                float *state = next_states[row] + column, *output = scratch.outputs[row];
                layer.step(input_gates, scratch.hidden_gates[row], states[row] + column, state);
                if (index)
                    add(output, state, layer.hidden);
                else
                    memcpy(output, state, layer.hidden * sizeof(float));
            }
            column += layer.state_size();
        }
        apply(readout, scratch.outputs, rows, scratch.features);
        if (query.out) apply(query, scratch.outputs, rows, scratch.queries);
        if (gate.out) apply(gate, scratch.outputs, rows, scratch.queries);
        scratch.scores.resize(padded(batch.starts.back(), LANES));
        for (int row = 0; row < rows; row++) {
            float* features = scratch.features[row];
            add(features, token_readout[tokens[row]], readout.out);
            if (view.has_attention)
                attend(batch, sentences[row], (query.out ? scratch.queries : scratch.outputs)[row], features,
                       scratch.scores.get());
            else
                add(features, batch.context_features[sentences[row]], readout.out);
            if (gate.out) {
                float* weights = scratch.queries[row];
                float total = unnormalized_softmax(weights, gate.out);
                add_weighted_mean(batch.summary_features, sentences[row] * gate.out, gate.out, weights, total,
                                  readout.out, features);
            }
        }
        tanh_rows(scratch.features, rows, readout.out);
        predict(sentences, rows, batch, scratch.features, logits);
    }

    const Linear& output_of(const EncodedBatch& batch, int sentence) const {
        return batch.shortlists.empty() ? output : batch.shortlists[sentence];
    }

    // The output layer: features -> logits. The hypotheses of a sentence must be contiguous.
    void predict(const int32_t* sentences, int rows, const EncodedBatch& batch, const Matrix& features,
                 Matrix& logits) const {
        if (batch.shortlists.empty()) return apply(output, features, rows, logits);
        int max_width = 0;
        for (int row = 0; row < rows; row++) max_width = std::max(max_width, batch.shortlists[sentences[row]].width);
        logits.resize(rows, max_width);
        for (int first = 0, end; first < rows; first = end) {
            for (end = first; end < rows && sentences[end] == sentences[first];) end++;
            batch.shortlists[sentences[first]](features[first], features.stride, end - first, logits[first],
                                                logits.stride);
        }
    }

    const NetworkView& view;
    Matrix token_gates, token_readout;  // per target token: its part of the first layer's gates, and of the readout
    std::vector<Recurrence> encoder, decoder;
    Linear summary, first_state, readout, output, context_gates, context_readout, key, query, value, weigh, gate, mixture;
    int state_size = 0;
};
