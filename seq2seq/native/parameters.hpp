// The parameters of a network, taken by name from the tensors of a model. The same for all instruction sets.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <initializer_list>
#include <string>
#include <vector>

#include "seq2seq.h"

// y = W x + b; the weight is float32, or int8 with a scale per row.
struct LinearView {
    const float* weight = nullptr;      // [out, in]
    const int8_t* quantized = nullptr;  // [out, in]
    const float* scales = nullptr;      // [out]
    const float* bias = nullptr;        // [out]
    int out = 0, in = 0;                // 0 if the network has no such layer
    ptrdiff_t stride = 0;               // from one row of the weight to the next

    // The same layer for the inputs from `start` to `end`.
    LinearView columns(int start, int end) const {
        LinearView view = *this;
        if (weight) view.weight += start;
        if (quantized) view.quantized += start;
        view.in = end - start;
        return view;
    }
};

// A recurrent layer in one direction; the cells are those of `seq2seq/model/cells.py`.
struct RecurrenceView {
    int cell = SEQ2SEQ_GRU;
    LinearView inputs;     // to the gates; holds all biases except the one that a GRU multiplies by its reset gate
    LinearView recurrent;  // from the state to the gates
};

struct NetworkView {
    int src_vocab = 0, embedding_size = 0, encoder_layers = 0, directions = 0;
    bool has_attention = false;
    const float *src_embedding = nullptr, *tgt_embedding = nullptr;  // [src_vocab, embedding_size], [vocab, ...]
    std::vector<RecurrenceView> encoder;                             // [encoder_layers, directions]
    std::vector<RecurrenceView> decoder;
    LinearView token_gates, token_readout;      // from a target token to the first layer's gates, and to the readout
    LinearView summary, first_state, readout, output;
    LinearView context_gates, context_readout;  // of the fixed context
    LinearView key, query, value;               // of attention; without a key layer, the keys are the encoder outputs
    const float* attention_score = nullptr;     // [hidden size], of additive attention
    LinearView weigh, gate, mixture;            // of the summaries
};

// Finds the parameters, and keeps copies of those that are read again after the constructor of a network. At the first
// fault `status` and `fault` are set; then the view is not complete.
class Parameters {
  public:
    Parameters(const Seq2seqTensor* tensors, int count, const Seq2seqNetwork& network) : network_(network) {
        for (int i = 0; i < count; i++) left_.push_back(&tensors[i]);
        if (is_valid())
            take_network();
        else
            fail(SEQ2SEQ_UNSUPPORTED, "");
        if (!left_.empty()) fail(SEQ2SEQ_UNSUPPORTED, left_.front()->name);
    }

    // Free what is read only once, by the constructor of a network.
    void discard_temporary() {
        temporary_.clear();
        view.token_gates = view.token_readout = LinearView();
        view.tgt_embedding = nullptr;
    }

    NetworkView view;
    int status = SEQ2SEQ_OK;
    std::string fault;

  private:
    using Arrays = std::deque<std::vector<float>>;

    bool is_valid() const {
        const Seq2seqNetwork& n = network_;
        for (int32_t size : {n.embedding_size, n.hidden_size, n.context_size, n.encoder_layers, n.decoder_layers,
                             n.src_vocab, n.tgt_vocab})
            if (size < 1 || size > LARGEST) return false;
        if (n.cell < SEQ2SEQ_GRU || n.cell > SEQ2SEQ_RNN) return false;
        if (n.attention < SEQ2SEQ_NO_ATTENTION || n.attention > SEQ2SEQ_ADDITIVE) return false;
        if (n.summaries < 0 || n.summaries > LARGEST || (n.bidirectional && n.hidden_size % 2)) return false;
        return !n.joint || n.src_vocab == n.tgt_vocab;
    }

    void take_network() {
        const int size = network_.embedding_size, hidden = network_.hidden_size, context = network_.context_size;
        view.src_vocab = network_.src_vocab;
        view.embedding_size = size;
        view.encoder_layers = network_.encoder_layers;
        view.directions = network_.bidirectional ? 2 : 1;
        view.has_attention = network_.attention != SEQ2SEQ_NO_ATTENTION;

        LinearView embedding = kept(weight("tgt_embedding.weight", network_.tgt_vocab, size));
        LinearView src_embedding =
            network_.joint ? embedding : kept(weight("src_embedding.weight", network_.src_vocab, size));
        view.src_embedding = dense(src_embedding, kept_);
        view.tgt_embedding = network_.joint ? view.src_embedding : dense(embedding, temporary_);
        for (int layer = 0; layer < network_.encoder_layers && status == SEQ2SEQ_OK; layer++)
            for (int direction = 0; direction < view.directions; direction++) {
                std::string name = "encoder.layers." + std::to_string(layer) + ".";
                if (network_.bidirectional) name += direction ? "right_to_left." : "left_to_right.";
                view.encoder.push_back(
                    recurrence(name + "recurrence.run", layer ? hidden : size, hidden / view.directions));
            }
        view.summary = linear("encoder.summary", context, 3 * hidden);

        const int first_width = view.has_attention ? size : size + context;
        for (int layer = 0; layer < network_.decoder_layers && status == SEQ2SEQ_OK; layer++)
            view.decoder.push_back(recurrence("decoder.recurrence.layers." + std::to_string(layer) + ".run",
                                              layer ? hidden : first_width, hidden));
        if (status != SEQ2SEQ_OK) return;
        const LinearView first = view.decoder[0].inputs;
        view.token_gates = in_float(first.columns(0, size));
        view.token_readout = in_float(unbiased(weight("decoder.readout.word.weight", size, size)));
        if (view.has_attention)
            take_attention();
        else
            take_context(first.columns(size, first_width));
        const int states = network_.cell == SEQ2SEQ_LSTM ? 2 : 1;
        view.first_state = linear("decoder.first_state.layer", network_.decoder_layers * states * hidden, context);
        view.readout = linear("decoder.readout.hidden", size, hidden);
        view.output = embedding;
        view.output.bias = kept(floats("output_bias", network_.tgt_vocab), network_.tgt_vocab);
    }

    // score(s, h) is s h, s W h, or v tanh(W s + U h).
    void take_attention() {
        const int hidden = network_.hidden_size;
        const std::string name = "decoder.attention.";
        if (network_.attention == SEQ2SEQ_GENERAL)
            view.key = unbiased(weight(name + "key.weight", hidden, hidden));
        if (network_.attention == SEQ2SEQ_ADDITIVE) {
            view.key = linear(name + "key", hidden, hidden);
            view.query = unbiased(weight(name + "query.weight", hidden, hidden));
            view.attention_score = kept(matrix(name + "score.weight", 1, hidden), hidden);
        }
        view.value = unbiased(weight("decoder.readout.contexts.0.weight", network_.embedding_size, hidden));
    }

    void take_context(const LinearView& gates) {
        const int hidden = network_.hidden_size, size = network_.embedding_size, count = network_.summaries;
        view.context_gates = unbiased(gates);
        view.context_readout = unbiased(weight("decoder.readout.contexts.0.weight", size, network_.context_size));
        if (!count) return;
        view.weigh = unbiased(weight("decoder.summaries.weigh.weight", count, hidden));
        view.gate = linear("decoder.summaries.gate", count, hidden);
        view.mixture = unbiased(weight("decoder.readout.contexts.1.weight", size, hidden));
    }

    RecurrenceView recurrence(const std::string& name, int in, int hidden) {
        const int gates = network_.cell == SEQ2SEQ_GRU ? 3 : network_.cell == SEQ2SEQ_LSTM ? 4 : 1;
        const int width = gates * hidden;
        RecurrenceView layer{network_.cell, weight(name + ".weight_ih_l0", width, in),
                             weight(name + ".weight_hh_l0", width, hidden)};
        const float *input_bias = floats(name + ".bias_ih_l0", width), *bias = floats(name + ".bias_hh_l0", width);
        if (status != SEQ2SEQ_OK) return layer;
        float *inputs = array(width, kept_), *recurrent = array(width, kept_);
        for (int i = 0; i < width; i++) {
            const bool is_candidate = network_.cell == SEQ2SEQ_GRU && i >= 2 * hidden;
            recurrent[i] = is_candidate ? bias[i] : 0;
            inputs[i] = input_bias[i] + (bias[i] - recurrent[i]);
        }
        layer.inputs.bias = inputs;
        layer.recurrent.bias = recurrent;
        return layer;
    }

    // The parameters of an `nn.Linear`.
    LinearView linear(const std::string& name, int out, int in) {
        LinearView view = weight(name + ".weight", out, in);
        view.bias = floats(name + ".bias", out);
        return view;
    }

    LinearView unbiased(LinearView view) {
        view.bias = array(view.out, kept_);
        return view;
    }

    // The matrix `name`, in float32, or in int8 with its scales.
    LinearView weight(const std::string& name, int64_t out, int64_t in) {
        LinearView view;
        view.out = int(out);
        view.in = int(in);
        view.stride = in;
        if (!is_left(name + ".scales")) {
            view.weight = matrix(name, out, in);
            return view;
        }
        view.quantized = static_cast<const int8_t*>(take(name, SEQ2SEQ_INT8, {out, in}));
        view.scales = floats(name + ".scales", out);
        // -128 cannot be negated in int8: instruction sets would differ on it.
        if (view.quantized && memchr(view.quantized, 0x80, size_t(out) * size_t(in))) fail(SEQ2SEQ_DAMAGED, name);
        return view;
    }

    const float* matrix(const std::string& name, int64_t rows, int64_t columns) {
        return static_cast<const float*>(take(name, SEQ2SEQ_FLOAT32, {rows, columns}));
    }

    const float* floats(const std::string& name, int64_t size) {
        return static_cast<const float*>(take(name, SEQ2SEQ_FLOAT32, {size}));
    }

    // Layers whose results are tables for all tokens are computed once, in float32.
    LinearView in_float(LinearView view) {
        if (!view.quantized) return view;
        view.weight = dense(view, temporary_);
        view.quantized = nullptr;
        view.stride = view.in;
        return view;
    }

    // The weight in float32, contiguous; computed into `arrays` if it is int8.
    const float* dense(const LinearView& view, Arrays& arrays) {
        if (!view.quantized || status != SEQ2SEQ_OK) return view.weight;
        float* values = array(size_t(view.out) * view.in, arrays);
        for (int o = 0; o < view.out; o++)
            for (int i = 0; i < view.in; i++)
                values[size_t(o) * view.in + i] = view.quantized[o * view.stride + i] * view.scales[o];
        return values;
    }

    // A copy of a layer's weight.
    LinearView kept(LinearView view) {
        const size_t size = size_t(view.out) * view.in;
        view.weight = kept(view.weight, size);
        view.scales = kept(view.scales, view.out);
        if (view.quantized) view.quantized = bytes_.emplace_back(view.quantized, view.quantized + size).data();
        return view;
    }

    const float* kept(const float* values, size_t size) {
        return values ? kept_.emplace_back(values, values + size).data() : nullptr;
    }

    float* array(size_t size, Arrays& arrays) { return arrays.emplace_back(size).data(); }

    bool is_left(const std::string& name) const {
        for (const Seq2seqTensor* tensor : left_)
            if (name == tensor->name) return true;
        return false;
    }

    // The data of a tensor of this type and shape, each at most once; null, and a fault, if there is none.
    const void* take(const std::string& name, int type, std::initializer_list<int64_t> shape) {
        for (size_t i = 0; i < left_.size(); i++) {
            const Seq2seqTensor& tensor = *left_[i];
            if (name != tensor.name) continue;
            left_.erase(left_.begin() + ptrdiff_t(i));
            bool fits = tensor.data && tensor.type == type && tensor.rank == int(shape.size());
            for (size_t axis = 0; fits && axis < shape.size(); axis++)
                fits = tensor.shape[axis] == shape.begin()[axis];
            if (!fits) break;
            return tensor.data;
        }
        fail(SEQ2SEQ_UNSUPPORTED, name);
        return nullptr;
    }

    void fail(int code, const std::string& name) {
        if (status != SEQ2SEQ_OK) return;
        status = code;
        fault = name;
    }

    static constexpr int32_t LARGEST = 1 << 24;  // so that no width overflows
    const Seq2seqNetwork network_;
    std::vector<const Seq2seqTensor*> left_;
    Arrays kept_, temporary_;
    std::deque<std::vector<int8_t>> bytes_;
};
