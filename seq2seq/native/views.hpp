// A model as Python hands it over. `engine.py` has the same structures, field by field.
#pragma once
#include <cstdint>

constexpr int VIEWS_VERSION = 5;  // and in `library.py`

struct LinearView {  // y = W x + b; the weight is float32, or int8 with a scale for each row
    const float* weight;     // [out, in], or null
    const int8_t* quantized; // [out, in], or null
    const float* scales;     // [out], of the int8 rows
    const float* bias;       // [out]
    int32_t out, in;         // 0 where the model has no such layer
};

enum Cell { GRU, LSTM, RNN };

struct RecurrenceView {
    int32_t cell;
    LinearView inputs, recurrent;
};

struct ModelView {
    const float* src_embedding;    // [src_vocab, embedding_size]
    const float* word_gates;       // [vocab, gates * H]
    const float* word_readout;     // [vocab, embedding_size]
    const float* attention_score;  // [A] where scores are additive, else null
    const RecurrenceView* encoder; // encoder_layers x directions
    const RecurrenceView* decoder; // decoder_layers
    LinearView summary, first_state, readout, output;
    LinearView context_gates, context_readout; // of a fixed context
    LinearView key, query, value;              // of attention; without a key it is the encoder's state, and so on
    LinearView weigh, gate, mixture;           // of summaries
    int32_t src_vocab, embedding_size, encoder_layers, directions, decoder_layers, attends;
};

struct OptionsView {
    const int32_t* forbidden;
    const int32_t* shortlists;  // of each of B sentences the words that it may have, ascending; null: all
    const int32_t* shortlist_starts;  // [B + 1], where they begin
    double length_penalty;  // the exponent
    int64_t beam_size, n_best;
    int32_t forbidden_count, eos, bos;
};

struct HypothesesView {          // room for n_best hypotheses of each of B sentences
    int32_t* tokens;        // [B, n_best, longest]
    int32_t* lengths;       // [B, n_best], -1 where there is none
    double *log_probs, *scores; // [B, n_best]
    int32_t longest;
};

// A step of a GRU in training; `training.py` has the same structures. T is float or bf16; level is an instruction set.
// D directions are computed at once, each with its own weights. A step computes its first `active` rows alone; what all
// steps have in common holds them from row `offset` on, and from `next_offset` on for the step that comes next.
struct GruView {
    const void* input_gates;      // [rows, steps, D, 3 H] of T, what the inputs give to each gate
    const void* context_gates;    // [rows, D, 3 H] of T, or null: the same from the context, added at each step
    const void* hidden_gates;    // [D, all_rows, 3 H] of T, what the old states give
    const float *input_bias, *hidden_bias;  // [D, 3 H], added to them
    const int64_t* lengths;  // [rows], or null: rows that are no longer than `step` keep their state
    float* state;            // [D, rows, H], the old one and then the new one
    void* old_states;        // [D, all_rows, H] of T, the states before each step; written for the next one
    void* output;            // [rows, steps, D, H] of T, the new state where it belongs; 0 at padding
    // in the backward pass alone
    const void* grad;        // [rows, steps, D, H] of T, of the output
    float* hidden_grad;          // [D, rows, H], of the new state, without what `next_hidden_grad` has; then of the old one
    const void* next_hidden_grad;       // [D, rows, H] of T, of the new state by the products of the next step's active rows
    void* input_gates_grad;       // [rows, steps, D, 3 H] of T
    void* hidden_gates_grad;     // [D, all_rows, 3 H] of T
    float* bias_grads;       // [threads, D, 4 H], added to: of both biases of r and z, of n's first and of its second
    int64_t all_rows;
    int32_t level, is_bf16, threads, rows, steps, hidden, directions;
    int32_t reversed;        // bit d: direction d begins at the last token of each row
    int32_t step, offset, active, next_offset, next_active;
};

struct LossView {
    void* logits;            // [rows, V] of T, without the bias; then their gradient
    const float* bias;       // [V]
    const int64_t* targets;  // [rows], below V
    float* losses;           // [rows]
    float* bias_grads;       // [threads, V], added to; null: no gradients are wanted
    float smoothing;
    int32_t level, is_bf16, threads, rows, vocab;
};
