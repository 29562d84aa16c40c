// The training kernels of `seq2seq.h`, between the matrix products.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>

#include "memory.hpp"

#define NATIVE_BODY "training.hpp"
#define NATIVE_WITHOUT_INT8  // training computes in float32 and BF16
#include "levels.hpp"

#if defined(__unix__) || defined(__APPLE__)
#include <dlfcn.h>
#endif

namespace {

// The OpenMP runtime that torch has loaded: a second thread pool would compete with its threads for the cores. If it is
// not found, one thread runs everything.
struct OpenMP {
    using Body = void (*)(void*);
    void (*run)(Body, void*, unsigned, unsigned) = nullptr;  // the function that gcc calls for a parallel region
    int (*thread_num)() = nullptr;
    int (*thread_count)() = nullptr;

    OpenMP() {
#if defined(__unix__) || defined(__APPLE__)
        run = reinterpret_cast<decltype(run)>(dlsym(RTLD_DEFAULT, "GOMP_parallel"));
        thread_num = reinterpret_cast<decltype(thread_num)>(dlsym(RTLD_DEFAULT, "omp_get_thread_num"));
        thread_count = reinterpret_cast<decltype(thread_count)>(dlsym(RTLD_DEFAULT, "omp_get_num_threads"));
#endif
    }

    bool available() const { return run && thread_num && thread_count; }
};

// Calls work(part, first row, end row) for `parts` parts of the rows in parallel.
template <class Work>
void parallel_for(int parts, int rows, const Work& work) {
    static const OpenMP openmp;
    struct Job {
        const Work& work;
        int parts, rows;
        // Every `step`-th part from `first` on: there may be fewer threads than requested.
        void run(int first, int step) const {
            for (int part = first; part < parts; part += step)
                work(part, int(int64_t(rows) * part / parts), int(int64_t(rows) * (part + 1) / parts));
        }
    } job{work, parts, rows};
    auto body = [](void* data) { static_cast<Job*>(data)->run(openmp.thread_num(), openmp.thread_count()); };
    unsigned threads = std::min(parts, rows);
    if (threads > 1 && openmp.available())
        openmp.run(body, &job, threads, 0);
    else
        job.run(0, 1);
}

template <class Step>
void step(const Seq2seqGruStep& view, bool backward) {
    parallel_for(view.threads, view.directions * view.rows, [&](int part, int first, int end) {
        Step gru{view};
        if (backward)
            gru.backward(first, end, view.bias_grads + size_t(part) * view.directions * 4 * view.hidden);
        else
            gru.forward(first, end);
    });
}

template <class Loss>
int loss(const Seq2seqLossRows& view) {
    std::unique_ptr<float[]> scratch(new (std::nothrow) float[size_t(view.threads) * view.vocab]);
    if (!scratch) return SEQ2SEQ_OUT_OF_MEMORY;
    parallel_for(view.threads, view.rows, [&](int part, int first, int end) {
        size_t offset = size_t(part) * view.vocab;
        Loss{view}.run(first, end, view.bias_grads ? view.bias_grads + offset : nullptr, scratch.get() + offset);
    });
    return SEQ2SEQ_OK;
}

}  // namespace

int seq2seq_training_level() { return best_level(); }

void seq2seq_gru(const Seq2seqGruStep* view, int backward) {
    switch (2 * view->level + view->is_bf16) {
#ifdef NATIVE_X86_BF16
        case 7: return step<avx512_bf16::Gru<avx512_bf16::bf16>>(*view, backward);
        case 6: return step<avx512_bf16::Gru<float>>(*view, backward);
#endif
#ifdef NATIVE_X86
        case 5: return step<avx512::Gru<avx512::bf16>>(*view, backward);
        case 4: return step<avx512::Gru<float>>(*view, backward);
        case 3: return step<avx2::Gru<avx2::bf16>>(*view, backward);
        case 2: return step<avx2::Gru<float>>(*view, backward);
#endif
        case 1: return step<plain::Gru<plain::bf16>>(*view, backward);
        default: return step<plain::Gru<float>>(*view, backward);
    }
}

int seq2seq_loss(const Seq2seqLossRows* view) {
    switch (2 * view->level + view->is_bf16) {
#ifdef NATIVE_X86_BF16
        case 7: return loss<avx512_bf16::Loss<avx512_bf16::bf16>>(*view);
        case 6: return loss<avx512_bf16::Loss<float>>(*view);
#endif
#ifdef NATIVE_X86
        case 5: return loss<avx512::Loss<avx512::bf16>>(*view);
        case 4: return loss<avx512::Loss<float>>(*view);
        case 3: return loss<avx2::Loss<avx2::bf16>>(*view);
        case 2: return loss<avx2::Loss<float>>(*view);
#endif
        case 1: return loss<plain::Loss<plain::bf16>>(*view);
        default: return loss<plain::Loss<float>>(*view);
    }
}
