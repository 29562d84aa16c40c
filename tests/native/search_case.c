/* Reads a network and sentences from stdin, searches with the engine and prints the hypotheses: for platforms without
 * Python. The format is that of `test_emulation.py`: numbers as in memory. */
#include <stdio.h>
#include <stdlib.h>

#include "../../seq2seq/native/seq2seq.h"

#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#endif

static void* read_bytes(size_t size) {
    void* bytes = calloc(size + 1, 1);
    if (!bytes || fread(bytes, 1, size, stdin) != size) {
        fprintf(stderr, "the case ends too early\n");
        exit(1);
    }
    return bytes;
}

static int32_t* read_ints(int32_t count) { return read_bytes((size_t)count * 4); }
static int32_t read_int(void) { return *read_ints(1); }

int main(void) {
#ifdef _WIN32
    _setmode(0, _O_BINARY);
#endif
    int32_t level = read_int();
    Seq2seqNetwork* network = read_bytes(sizeof(Seq2seqNetwork));
    int32_t count = read_int();
    Seq2seqTensor* tensors = calloc((size_t)count, sizeof(Seq2seqTensor));
    for (int32_t i = 0; i < count; i++) {
        Seq2seqTensor* tensor = &tensors[i];
        tensor->name = read_bytes((size_t)read_int());
        tensor->type = read_int();
        tensor->rank = read_int();
        tensor->shape[0] = read_int();
        tensor->shape[1] = read_int();
        size_t values = (size_t)tensor->shape[0] * (tensor->rank == 2 ? (size_t)tensor->shape[1] : 1);
        tensor->data = read_bytes(values * (tensor->type == SEQ2SEQ_INT8 ? 1 : 4));
    }
    int32_t highest = seq2seq_engine_level();
    printf("%d %d\n", highest, seq2seq_training_level());
    Seq2seqModel* model;
    char fault[128];
    int status = seq2seq_load(tensors, count, network, level < highest ? level : highest, &model, fault);
    if (status != SEQ2SEQ_OK) {
        fprintf(stderr, "status %d: %s\n", status, fault);
        return 1;
    }
    int32_t sentences = read_int(), longest = 0, total = 0;
    int32_t *lengths = read_ints(sentences), *limits = read_ints(sentences);
    for (int32_t b = 0; b < sentences; b++) {
        total += lengths[b];
        if (limits[b] > longest) longest = limits[b];
    }
    int32_t* tokens = read_ints(total);
    Seq2seqOptions options = {0};
    options.beam_size = read_int();
    options.n_best = read_int();
    options.eos = read_int();
    options.bos = read_int();
    options.length_penalty = 1;
    size_t rows = (size_t)sentences * (size_t)options.n_best;
    Seq2seqHypotheses found = {calloc(rows * (size_t)longest, 4), calloc(rows, 4), calloc(rows, 8), calloc(rows, 8),
                               calloc(rows * (size_t)longest, 4), longest};
    status = seq2seq_search(model, &options, tokens, lengths, limits, sentences, &found);
    if (status != SEQ2SEQ_OK) return 1;
    for (size_t row = 0; row < rows; row++) {
        printf("%.9f", found.scores[row]);
        for (int32_t i = 0; i < found.lengths[row]; i++) printf(" %d", found.tokens[row * (size_t)longest + (size_t)i]);
        printf("\n");
    }
    seq2seq_free(model);
    return 0;
}
