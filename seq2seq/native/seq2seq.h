/* The interface of the compiled library, in C. `structures.py` declares the same structures for ctypes.
 *
 * The engine: seq2seq_load makes a model of named tensors, as `model.safetensors` has them; seq2seq_search translates
 * with it. Nothing here reads files or starts threads, and several threads may search with one model at once.
 * Training: seq2seq_gru and seq2seq_loss are the steps between the matrix products, on the caller's buffers.
 *
 * Arrays are row-major and native-endian. Pointers are borrowed for the call unless said otherwise. The functions never
 * throw; they return SEQ2SEQ_OK or another of these codes. */
#ifndef SEQ2SEQ_H
#define SEQ2SEQ_H

#include <stdint.h>

#define SEQ2SEQ_VERSION 8 /* also in `library.py`; incremented when anything here changes */

#if defined(_WIN32)
#define SEQ2SEQ_API __declspec(dllexport)
#else
#define SEQ2SEQ_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

enum Seq2seqStatus {
    SEQ2SEQ_OK,
    SEQ2SEQ_OUT_OF_MEMORY, /* what existed before remains usable */
    SEQ2SEQ_INVALID,       /* an argument out of range */
    SEQ2SEQ_UNSUPPORTED,   /* the tensors are not exactly those of a network that the engine computes */
    SEQ2SEQ_DAMAGED        /* a tensor has values that it cannot have */
};

/* The library. */

SEQ2SEQ_API int seq2seq_version(void);

/* sizeof of each structure, in the order of this file: to be compared with the caller's before anything else is called.
 * sizes: [6]. */
SEQ2SEQ_API void seq2seq_sizes(int32_t* sizes);

/* The fastest instruction set that this processor has and the library was compiled for. All from 0 on may be used.
 * x86-64: 0 SSE2, 1 AVX2, 2 AVX-512 with VNNI, 3 the same with BF16 (training only).
 * ARM: 0 NEON, 1 with dot products (engine only). WebAssembly: 0. */
SEQ2SEQ_API int seq2seq_engine_level(void);
SEQ2SEQ_API int seq2seq_training_level(void);

/* The engine. */

enum Seq2seqType { SEQ2SEQ_FLOAT32, SEQ2SEQ_INT8 };

typedef struct {
    const char* name;
    const void* data; /* aligned to its type */
    int32_t type;    /* Seq2seqType. An int8 matrix NAME has a scale per row in the float32 tensor NAME.scales. */
    int32_t rank;    /* 1 or 2 */
    int32_t shape[2];
} Seq2seqTensor;

enum Seq2seqCell { SEQ2SEQ_GRU, SEQ2SEQ_LSTM, SEQ2SEQ_RNN };
enum Seq2seqAttention { SEQ2SEQ_NO_ATTENTION, SEQ2SEQ_DOT, SEQ2SEQ_GENERAL, SEQ2SEQ_ADDITIVE };

/* The settings of a network, from the section `model` of its `config.json`, and the sizes of its vocabularies. */
typedef struct {
    int32_t cell, attention;
    int32_t embedding_size, hidden_size, context_size;
    int32_t encoder_layers, decoder_layers, bidirectional, summaries;
    int32_t src_vocab, tgt_vocab, joint;
} Seq2seqNetwork;

typedef struct Seq2seqModel Seq2seqModel;

/* Make a model, into *model. It has copies of the tensors.
 * level: an instruction set. fault: [128], gets the name of the tensor at fault if there is one. */
SEQ2SEQ_API int seq2seq_load(const Seq2seqTensor* tensors, int32_t count, const Seq2seqNetwork* network, int32_t level,
                             Seq2seqModel** model, char* fault);

SEQ2SEQ_API void seq2seq_free(Seq2seqModel* model);

/* How to search. B: the number of sentences. */
typedef struct {
    const int32_t* forbidden_ids;
    const int32_t* shortlists;       /* the allowed tokens of each sentence, ascending, concatenated; null: all */
    const int32_t* shortlist_starts; /* [B + 1], the start of each list, and the end of the last */
    const int32_t* drafts;           /* translations to add symbols to, each ended by eos, concatenated; null: none */
    const int32_t* draft_starts;     /* [B + 1], as of shortlists */
    double length_penalty;           /* exponent */
    int64_t beam_size, n_best;
    int32_t forbidden_count, eos, bos;
    int32_t has_symbols; /* whether the vocabularies have symbols, which are bound to those of the source */
} Seq2seqOptions;

/* Buffers for the n_best hypotheses of each of B sentences. */
typedef struct {
    int32_t* tokens;            /* [B, n_best, max_length] */
    int32_t* lengths;           /* [B, n_best], -1 for a missing hypothesis */
    double *log_probs, *scores; /* [B, n_best] */
    float* token_log_probs;     /* [B, n_best, max_length], of each token and of eos */
    int32_t max_length;
} Seq2seqHypotheses;

/* Search the translations of `count` sentences.
 * tokens: the ids of all sentences, each ended by eos, concatenated. lengths [count]: those of the sentences.
 * limits [count]: the most tokens of each translation, eos included. */
SEQ2SEQ_API int seq2seq_search(const Seq2seqModel* model, const Seq2seqOptions* options, const int32_t* tokens,
                               const int32_t* lengths, const int32_t* limits, int32_t count,
                               Seq2seqHypotheses* hypotheses);

/* Training. Nothing is checked here. */

/* One step of a GRU. T is float or bf16; level is the instruction set. The D directions are computed together, each with
 * its own weights. Only the first `active` rows are computed. In buffers with `all_rows` rows, those of this step start
 * at `offset`, those of the next at `next_offset`. */
typedef struct {
    const void* input_gates;                /* [rows, steps, D, 3 H] of T, W x without bias */
    const void* context_gates;              /* [rows, D, 3 H] of T, or null; added at each step */
    const void* hidden_gates;               /* [D, all_rows, 3 H] of T, U h without bias, from the old states */
    const float *input_bias, *hidden_bias;  /* [D, 3 H], of W x and of U h */
    const int64_t* lengths;                 /* [rows], or null; a row keeps its state from step lengths[row] on */
    float* state;                           /* [D, rows, H], updated in place */
    void* old_states; /* [D, all_rows, H] of T, states before each step; this step writes the next ones */
    void* output;     /* [rows, steps, D, H] of T, the new states at their tokens; 0 at padding */
    /* For the backward pass only. */
    const void* grad;             /* [rows, steps, D, H] of T, the gradient of the output */
    float* hidden_grad;           /* [D, rows, H], in: of the new state (without next_hidden_grad); out: of the old */
    const void* next_hidden_grad; /* [D, rows, H] of T, gradient of the new state through U h of the next step */
    void* input_gates_grad;       /* [rows, steps, D, 3 H] of T */
    void* hidden_gates_grad;      /* [D, all_rows, 3 H] of T */
    float* bias_grads; /* [threads, D, 4 H], accumulated: r, z (for both biases), n of W x, n of U h */
    int64_t all_rows;
    int32_t level, is_bf16, threads, rows, steps, hidden, directions;
    int32_t reversed; /* bit mask: direction d runs from the last token of each row if bit d is set */
    int32_t step, offset, active, next_offset, next_active;
} Seq2seqGruStep;

/* backward: 0 for the forward pass, 1 for the backward pass. */
SEQ2SEQ_API void seq2seq_gru(const Seq2seqGruStep* step, int backward);

/* The label-smoothed cross-entropy of rows of logits. */
typedef struct {
    void* logits;           /* [rows, V] of T, in: without the bias; out: their gradient */
    const float* bias;      /* [V] */
    const int64_t* targets; /* [rows], less than V */
    float* losses;          /* [rows] */
    float* bias_grads;      /* [threads, V], accumulated; null: no gradients */
    float smoothing;
    int32_t level, is_bf16, threads, rows, vocab;
} Seq2seqLossRows;

/* Returns SEQ2SEQ_OK or SEQ2SEQ_OUT_OF_MEMORY. */
SEQ2SEQ_API int seq2seq_loss(const Seq2seqLossRows* rows);

#ifdef __cplusplus
}
#endif

#endif
