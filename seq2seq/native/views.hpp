// The structures that Python passes in; `engine.py` declares the same fields in the same order.
#pragma once
#include <cstdint>

constexpr int VIEWS_VERSION = 7;  // also in `library.py`

struct LinearView {  // y = W x + b; the weight is float32, or int8 with a scale per row
    const float* weight;     // [out, in], or null
    const int8_t* quantized; // [out, in], or null
    const float* scales;     // [out], one per int8 row
    const float* bias;       // [out]
    int32_t out, in;         // 0 if the model has no such layer
};

enum Cell { GRU, LSTM, RNN };

struct RecurrenceView {
    int32_t cell;
    LinearView inputs, recurrent;
};

struct ModelView {
    const float* src_embedding;    // [src_vocab, embedding_size]
    const float* token_gates;      // [vocab, gates * H]
    const float* token_readout;    // [vocab, embedding_size]
    const float* attention_score;  // [A] for additive attention, else null
    const RecurrenceView* encoder; // [encoder_layers, directions]
    const RecurrenceView* decoder; // [decoder_layers]
    LinearView summary, first_state, readout, output;
    LinearView context_gates, context_readout; // of the fixed context
    LinearView key, query, value;              // of attention; without a key layer, the keys are the encoder outputs
    LinearView weigh, gate, mixture;           // of the summaries
    int32_t src_vocab, embedding_size, encoder_layers, directions, decoder_layers, has_attention;
};

struct OptionsView {
    const int32_t* forbidden_ids;
    const int32_t* shortlists;        // the allowed tokens of each sentence, ascending, concatenated; null: all
    const int32_t* shortlist_starts;  // [B + 1], the start of each list, and the end of the last
    const int32_t* drafts;            // translations to add symbols to, each ended by eos, concatenated; null: none
    const int32_t* draft_starts;      // [B + 1], as of shortlists
    double length_penalty;            // exponent
    int64_t beam_size, n_best;
    int32_t forbidden_count, eos, bos, has_symbols;
};

struct HypothesesView {     // output buffers for n_best hypotheses of each of B sentences
    int32_t* tokens;        // [B, n_best, max_length]
    int32_t* lengths;       // [B, n_best], -1 for a missing hypothesis
    double *log_probs, *scores;  // [B, n_best]
    float* token_log_probs; // [B, n_best, max_length], of each token and of eos
    int32_t max_length;
};

// One step of a GRU in training; `training.py` declares the same structures. T is float or bf16; level is the
// instruction set. The D directions are computed together, each with its own weights. Only the first `active` rows are
// computed. In buffers with `all_rows` rows, those of this step start at `offset`, those of the next at `next_offset`.
struct GruView {
    const void* input_gates;          // [rows, steps, D, 3 H] of T, W x without bias
    const void* context_gates;        // [rows, D, 3 H] of T, or null; added at each step
    const void* hidden_gates;         // [D, all_rows, 3 H] of T, U h without bias, from the old states
    const float *input_bias, *hidden_bias;  // [D, 3 H], of W x and of U h
    const int64_t* lengths;           // [rows], or null; a row keeps its state from step lengths[row] on
    float* state;                     // [D, rows, H], updated in place
    void* old_states;                 // [D, all_rows, H] of T, states before each step; this step writes the next ones
    void* output;                     // [rows, steps, D, H] of T, the new states at their tokens; 0 at padding
    // For the backward pass only.
    const void* grad;                 // [rows, steps, D, H] of T, the gradient of the output
    float* hidden_grad;               // [D, rows, H], in: of the new state (without next_hidden_grad); out: of the old
    const void* next_hidden_grad;     // [D, rows, H] of T, gradient of the new state through U h of the next step
    void* input_gates_grad;           // [rows, steps, D, 3 H] of T
    void* hidden_gates_grad;          // [D, all_rows, 3 H] of T
    float* bias_grads;                // [threads, D, 4 H], accumulated: r, z (for both biases), n of W x, n of U h
    int64_t all_rows;
    int32_t level, is_bf16, threads, rows, steps, hidden, directions;
    int32_t reversed;                 // bit mask: direction d runs from the last token of each row if bit d is set
    int32_t step, offset, active, next_offset, next_active;
};

struct LossView {
    void* logits;            // [rows, V] of T, in: without the bias; out: their gradient
    const float* bias;       // [V]
    const int64_t* targets;  // [rows], less than V
    float* losses;           // [rows]
    float* bias_grads;       // [threads, V], accumulated; null: no gradients
    float smoothing;
    int32_t level, is_bf16, threads, rows, vocab;
};
