// The C interface of the training kernels between the matrix products, bound by `training.py`.

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>

#include "views.hpp"

#define NATIVE_BODY "training.hpp"
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

enum Pass { FORWARD, BACKWARD };

template <class Step>
void step(const GruView& view, int pass) {
    parallel_for(view.threads, view.directions * view.rows, [&](int part, int first, int end) {
        Step gru{view};
        if (pass == FORWARD)
            gru.forward(first, end);
        else
            gru.backward(first, end, view.bias_grads + size_t(part) * view.directions * 4 * view.hidden);
    });
}

template <class Loss>
int loss(const LossView& view) {
    std::unique_ptr<float[]> scratch(new (std::nothrow) float[size_t(view.threads) * view.vocab]);
    if (!scratch) return 1;
    parallel_for(view.threads, view.rows, [&](int part, int first, int end) {
        size_t offset = size_t(part) * view.vocab;
        Loss{view}.run(first, end, view.bias_grads ? view.bias_grads + offset : nullptr, scratch.get() + offset);
    });
    return 0;
}

}  // namespace

extern "C" {

// The highest instruction set that the kernels support on this processor.
int seq2seq_training_level() { return best_level(); }

void seq2seq_gru(const GruView* view, int pass) {
    switch (2 * view->level + view->is_bf16) {
#ifdef NATIVE_DISPATCH_BF16
        case 7: return step<avx512_bf16::Gru<avx512_bf16::bf16>>(*view, pass);
        case 6: return step<avx512_bf16::Gru<float>>(*view, pass);
#endif
#ifdef NATIVE_DISPATCH
        case 5: return step<avx512::Gru<avx512::bf16>>(*view, pass);
        case 4: return step<avx512::Gru<float>>(*view, pass);
        case 3: return step<avx2::Gru<avx2::bf16>>(*view, pass);
        case 2: return step<avx2::Gru<float>>(*view, pass);
#endif
        case 1: return step<plain::Gru<plain::bf16>>(*view, pass);
        default: return step<plain::Gru<float>>(*view, pass);
    }
}

// Returns 0, or 1 if out of memory.
int seq2seq_loss(const LossView* view) {
    switch (2 * view->level + view->is_bf16) {
#ifdef NATIVE_DISPATCH_BF16
        case 7: return loss<avx512_bf16::Loss<avx512_bf16::bf16>>(*view);
        case 6: return loss<avx512_bf16::Loss<float>>(*view);
#endif
#ifdef NATIVE_DISPATCH
        case 5: return loss<avx512::Loss<avx512::bf16>>(*view);
        case 4: return loss<avx512::Loss<float>>(*view);
        case 3: return loss<avx2::Loss<avx2::bf16>>(*view);
        case 2: return loss<avx2::Loss<float>>(*view);
#endif
        case 1: return loss<plain::Loss<plain::bf16>>(*view);
        default: return loss<plain::Loss<float>>(*view);
    }
}
}
