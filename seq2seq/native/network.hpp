// The forward pass of `network.py`, for a batch of sentences. Included once for each instruction set.

struct Recurrence {
    explicit Recurrence(const RecurrenceView& view)
        : cell(view.cell), hidden(view.recurrent.in), inputs(view.inputs), recurrent(view.recurrent) {}

    int state_size() const { return cell == LSTM ? 2 * hidden : hidden; }

    // One step of a row. gates: the input's share; own: the state's, which is spent; to: the next state.
    void step(const float* gates, const float* own, const float* state, float* to) const {
        auto at = [&](const float* shares, int gate, int start, int count) {
            return load(shares + gate * hidden + start, count);
        };
        for_each_vector(hidden, [&](int start, int count) {
            auto both = [&](int gate) { return at(gates, gate, start, count) + at(own, gate, start, count); };
            vec next;
            if (cell == GRU) {
                vec reset = sigmoid(both(0)), keep = sigmoid(both(1));
                vec candidate = tanh(at(gates, 2, start, count) + reset * at(own, 2, start, count));
                next = candidate + keep * (load(state + start, count) - candidate);
            } else if (cell == LSTM) {
                vec memory = sigmoid(both(1)) * load(state + hidden + start, count) +
                             sigmoid(both(0)) * tanh(both(2));
                next = sigmoid(both(3)) * tanh(memory);
                store(to + hidden + start, memory, count);
            } else {
                next = tanh(both(0));
            }
            store(to + start, next, count);
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

// What the decoder is to know of B sentences. Sentence b has the rows starts[b] to starts[b + 1] of what is by token.
struct Source {
    std::vector<int> starts;
    Matrix outputs;                     // by token: the encoder's top states
    Matrix context, first_states;       // by sentence
    Matrix gate_shares, readout_shares; // by sentence, of a fixed context
    Matrix summary_shares;              // by sentence and summary
    Matrix keys, values;                // by token, of attention
    std::vector<Linear> shortlists;     // by sentence, the output layer with its words alone; none: with all
};

struct Network {
    explicit Network(const ModelView& view)
        : view(view), summary(view.summary), first_state(view.first_state), readout(view.readout),
          output(view.output, -INFINITY), context_gates(view.context_gates), context_readout(view.context_readout),
          key(view.key), query(view.query), value(view.value), weigh(view.weigh), gate(view.gate),
          mixture(view.mixture) {
        for (int i = 0; i < view.encoder_layers * view.directions; i++) encoder.emplace_back(view.encoder[i]);
        for (int i = 0; i < view.decoder_layers; i++) decoder.emplace_back(view.decoder[i]);
        for (const Recurrence& layer : decoder) state_size += layer.state_size();
    }

    // One direction over all sentences: x [tokens, input size] -> `out` [tokens, H], from column `column` on.
    void run(const Recurrence& layer, const Source& source, const float* x, long stride, Matrix& out, int column,
             bool backwards) const {
        int sentences = int(source.starts.size()) - 1, tokens = source.starts.back(), longest = 0;
        Matrix gates, states, own;
        gates.resize(tokens, layer.inputs.width);
        layer.inputs(x, stride, tokens, gates[0], gates.stride);
        states.resize(sentences, layer.state_size());
        own.resize(sentences, layer.recurrent.width);
        for (int b = 0; b < sentences; b++) longest = std::max(longest, source.starts[b + 1] - source.starts[b]);
        for (int time = 0; time < longest; time++) {
            // The rows of sentences that have ended are computed with the others and left alone.
            layer.recurrent(states[0], states.stride, sentences, own[0], own.stride);
            for (int b = 0; b < sentences; b++) {
                int token = backwards ? source.starts[b + 1] - 1 - time : source.starts[b] + time;
                if (token < source.starts[b] || token >= source.starts[b + 1]) continue;
                layer.step(gates[token], own[b], states[b], states[b]);
                memcpy(out[token] + column, states[b], layer.hidden * sizeof(float));
            }
        }
    }

    void encode(const int32_t* tokens, Source& source) const {
        int count = source.starts.back(), size = view.embedding_size, hidden = 0;
        Matrix below, above;
        below.resize(count, size);
        for (int i = 0; i < count; i++)
            memcpy(below[i], view.src_embedding + size_t(tokens[i]) * size, size * sizeof(float));
        for (int layer = 0; layer < view.encoder_layers; layer++) {
            const Recurrence* ways = &encoder[layer * view.directions];
            hidden = ways->hidden;
            above.resize(count, hidden * view.directions);
            for (int way = 0; way < view.directions; way++)
                run(ways[way], source, below[0], below.stride, above, way * hidden, way);
            std::swap(below, above);
        }
        source.outputs = std::move(below);
        pool(source, hidden);
    }

    // The context vectors: a tanh layer on the last states, the mean and the maximum of each sentence.
    void pool(Source& source, int hidden) const {
        int sentences = int(source.starts.size()) - 1, width = hidden * view.directions;
        Matrix pooled;
        pooled.resize(sentences, 3 * width);
        for (int b = 0; b < sentences; b++) {
            int first = source.starts[b], last = source.starts[b + 1] - 1;
            for (int way = 0; way < view.directions; way++)
                memcpy(pooled[b] + way * hidden, source.outputs[way ? first : last] + way * hidden,
                       hidden * sizeof(float));
            for_each_vector(width, [&](int start, int count) {
                vec sum = {}, highest = broadcast(-INFINITY);
                for (int token = first; token <= last; token++) {
                    vec state = load(source.outputs[token] + start, count);
                    sum += state;
                    highest = max(highest, state);
                }
                store(pooled[b] + width + start, sum / float(last - first + 1), count);
                store(pooled[b] + 2 * width + start, highest, count);
            });
        }
        apply(summary, pooled, sentences, source.context);
        tanh_rows(source.context, sentences, summary.out);
    }

    static void apply(const Linear& layer, const Matrix& x, int rows, Matrix& y) {
        y.resize(rows, layer.width);
        layer(x[0], x.stride, rows, y[0], y.stride);
    }

    // Fill `source`, whose `starts` are given, from the tokens of all sentences.
    void start(const int32_t* tokens, Source& source) const {
        encode(tokens, source);
        int sentences = int(source.starts.size()) - 1;
        apply(first_state, source.context, sentences, source.first_states);
        tanh_rows(source.first_states, sentences, state_size);
        if (view.attends) {
            if (key.out) apply(key, source.outputs, source.starts.back(), source.keys);
            apply(value, source.outputs, source.starts.back(), source.values);
        } else {
            apply(context_gates, source.context, sentences, source.gate_shares);
            apply(context_readout, source.context, sentences, source.readout_shares);
            if (weigh.out) summarise(source);
        }
    }

    // The summaries' shares of the readout: each summary is a weighted mean of the sentence's states.
    void summarise(Source& source) const {
        int sentences = int(source.starts.size()) - 1, count = weigh.out;
        Matrix scores, summaries;
        apply(weigh, source.outputs, source.starts.back(), scores);
        summaries.resize(sentences * count, weigh.in);
        Block<float> weights(padded(source.starts.back(), LANES));
        for (int b = 0; b < sentences; b++) {
            int first = source.starts[b], tokens = source.starts[b + 1] - first;
            for (int k = 0; k < count; k++) {
                for (int s = 0; s < tokens; s++) weights[s] = scores[first + s][k];
                float total = exponentials(weights.get(), tokens);
                float* summary = summaries[b * count + k];
                memset(summary, 0, weigh.in * sizeof(float));
                add_mean(source.outputs, first, tokens, weights.get(), total, weigh.in, summary);
            }
        }
        apply(mixture, summaries, sentences * count, source.summary_shares);
    }

    // Scores become exp(score - the highest); returns their sum.
    static float exponentials(float* scores, int count) {
        float highest = -INFINITY, total = 0;
        for (int i = 0; i < count; i++) highest = std::max(highest, scores[i]);
        for_each_vector(count, [&](int start, int lanes) {
            store(scores + start, exponential(load(scores + start, lanes) - highest), lanes);
        });
        for (int i = 0; i < count; i++) total += scores[i];
        return total;
    }

    // Add to `to` the mean of `count` rows from `first` on, weighted by weights that sum up to `total`.
    static void add_mean(const Matrix& rows, int first, int count, const float* weights, float total, int size,
                         float* to) {
        for_each_vector(size, [&](int start, int lanes) {
            vec found = {};
            for (int i = 0; i < count; i++) found += weights[i] * load(rows[first + i] + start, lanes);
            store(to + start, load(to + start, lanes) + found / total, lanes);
        });
    }

    // One hypothesis looks at its sentence: the found mean of values is added to `features`.
    void attend(const Source& source, int sentence, const float* asked, float* features, float* scores) const {
        int first = source.starts[sentence], count = source.starts[sentence + 1] - first;
        const Matrix& keys = key.out ? source.keys : source.outputs;
        int size = key.out ? key.out : value.in;
        for (int s = 0; s < count; s++) {
            vec sums = {};
            for_each_vector(size, [&](int start, int lanes) {
                vec one = load(asked + start, lanes), other = load(keys[first + s] + start, lanes);
                sums += view.attention_score
                            ? tanh(one + other) * load(view.attention_score + start, lanes)
                            : one * other;
            });
            scores[s] = sum_of(sums);
        }
        float total = exponentials(scores, count);
        add_mean(source.values, first, count, scores, total, value.out, features);
    }

    // What a step needs besides its results.
    struct Scratch {
        Matrix gates, own, outputs, features, asked;
        Block<float> scores;
    };

    // One word of N hypotheses: tokens, sentences [N], states [N, state_size] -> next states, logits [N, V].
    void step(const int32_t* tokens, const int32_t* sentences, int rows, const Matrix& states, const Source& source,
              Matrix& next, Matrix& logits, Scratch& scratch) const {
        next.resize(rows, state_size);
        int column = 0;
        for (size_t number = 0; number < decoder.size(); number++) {
            const Recurrence& layer = decoder[number];
            int width = layer.recurrent.out;
            if (number)
                apply(layer.inputs, scratch.outputs, rows, scratch.gates);
            else
                scratch.gates.resize(rows, width);
            scratch.own.resize(rows, layer.recurrent.width);
            layer.recurrent(states[0] + column, states.stride, rows, scratch.own[0], scratch.own.stride);
            scratch.outputs.resize(rows, layer.hidden);
            for (int row = 0; row < rows; row++) {
                float* gates = scratch.gates[row];
                if (!number) {
                    memcpy(gates, view.word_gates + size_t(tokens[row]) * width, width * sizeof(float));
                    if (!view.attends) add(gates, source.gate_shares[sentences[row]], width);
                }
                float *own = next[row] + column, *output = scratch.outputs[row];
                layer.step(gates, scratch.own[row], states[row] + column, own);
                if (number)
                    add(output, own, layer.hidden);
                else
                    memcpy(output, own, layer.hidden * sizeof(float));
            }
            column += layer.state_size();
        }
        apply(readout, scratch.outputs, rows, scratch.features);
        if (query.out) apply(query, scratch.outputs, rows, scratch.asked);
        if (gate.out) apply(gate, scratch.outputs, rows, scratch.asked);
        scratch.scores.resize(padded(source.starts.back(), LANES));
        for (int row = 0; row < rows; row++) {
            float* features = scratch.features[row];
            add(features, view.word_readout + size_t(tokens[row]) * readout.out, readout.out);
            if (view.attends)
                attend(source, sentences[row], (query.out ? scratch.asked : scratch.outputs)[row], features,
                       scratch.scores.get());
            else
                add(features, source.readout_shares[sentences[row]], readout.out);
            if (gate.out) {
                float* parts = scratch.asked[row];
                float total = exponentials(parts, gate.out);
                add_mean(source.summary_shares, sentences[row] * gate.out, gate.out, parts, total, readout.out,
                         features);
            }
        }
        tanh_rows(scratch.features, rows, readout.out);
        predict(sentences, rows, source, scratch.features, logits);
    }

    const Linear& output_of(const Source& source, int sentence) const {
        return source.shortlists.empty() ? output : source.shortlists[sentence];
    }

    // features -> logits. Hypotheses of a sentence stand side by side.
    void predict(const int32_t* sentences, int rows, const Source& source, const Matrix& features,
                 Matrix& logits) const {
        if (source.shortlists.empty()) return apply(output, features, rows, logits);
        int widest = 0;
        for (int row = 0; row < rows; row++) widest = std::max(widest, source.shortlists[sentences[row]].width);
        logits.resize(rows, widest);
        for (int first = 0, end; first < rows; first = end) {
            for (end = first; end < rows && sentences[end] == sentences[first];) end++;
            source.shortlists[sentences[first]](features[first], features.stride, end - first, logits[first],
                                                logits.stride);
        }
    }

    ModelView view;  // its tables are the caller's, and stay
    std::vector<Recurrence> encoder, decoder;
    Linear summary, first_state, readout, output, context_gates, context_readout, key, query, value, weigh, gate, mixture;
    int state_size = 0;
};
