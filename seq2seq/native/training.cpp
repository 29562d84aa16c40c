// What training computes between its matrix products, as a C library that `training.py` loads.

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

// torch's own threads: more threads beside them would fight with those for the cores. Where they are not to be found,
// one thread does it all.
struct Threads {
    using Body = void (*)(void*);
    void (*run)(Body, void*, unsigned, unsigned) = nullptr;  // all of OpenMP, as gcc calls them
    int (*number)() = nullptr;
    int (*count)() = nullptr;

    Threads() {
#if defined(__unix__) || defined(__APPLE__)
        run = reinterpret_cast<decltype(run)>(dlsym(RTLD_DEFAULT, "GOMP_parallel"));
        number = reinterpret_cast<decltype(number)>(dlsym(RTLD_DEFAULT, "omp_get_thread_num"));
        count = reinterpret_cast<decltype(count)>(dlsym(RTLD_DEFAULT, "omp_get_num_threads"));
#endif
    }

    bool found() const { return run && number && count; }
};

// Call body(part, first row, last row) for `parts` parts of the rows at once.
template <class Work>
void in_parts(int parts, int rows, const Work& work) {
    static const Threads threads;
    struct Job {
        const Work& work;
        int parts, rows;
        // Every `step`-th part from `first` on: there may be fewer threads than were asked for.
        void run(int first, int step) const {
            for (int part = first; part < parts; part += step)
                work(part, int(int64_t(rows) * part / parts), int(int64_t(rows) * (part + 1) / parts));
        }
    } job{work, parts, rows};
    auto body = [](void* data) { static_cast<Job*>(data)->run(threads.number(), threads.count()); };
    unsigned wanted = std::min(parts, rows);
    if (wanted > 1 && threads.found())
        threads.run(body, &job, wanted, 0);
    else
        job.run(0, 1);
}

enum Way { FORWARD, BACKWARD };

template <class Step>
void step(const GruView& view, int way) {
    in_parts(view.threads, view.directions * view.rows, [&](int part, int first, int last) {
        Step one{view};
        if (way == FORWARD)
            one.forward(first, last);
        else
            one.backward(first, last, view.bias_grads + size_t(part) * view.directions * 4 * view.hidden);
    });
}

template <class Loss>
int loss(const LossView& view) {
    std::unique_ptr<float[]> room(new (std::nothrow) float[size_t(view.threads) * view.vocab]);
    if (!room) return 1;
    in_parts(view.threads, view.rows, [&](int part, int first, int last) {
        size_t own = size_t(part) * view.vocab;
        Loss{view}.run(first, last, view.bias_grads ? view.bias_grads + own : nullptr, room.get() + own);
    });
    return 0;
}

}  // namespace

extern "C" {

// The highest instruction set of these functions on this processor.
int seq2seq_training_level() { return best_level(); }

void seq2seq_gru(const GruView* view, int way) {
    switch (2 * view->level + view->is_bf16) {
#ifdef NATIVE_DISPATCH_BF16
        case 7: return step<avx512_bf16::Gru<avx512_bf16::bf16>>(*view, way);
        case 6: return step<avx512_bf16::Gru<float>>(*view, way);
#endif
#ifdef NATIVE_DISPATCH
        case 5: return step<avx512::Gru<avx512::bf16>>(*view, way);
        case 4: return step<avx512::Gru<float>>(*view, way);
        case 3: return step<avx2::Gru<avx2::bf16>>(*view, way);
        case 2: return step<avx2::Gru<float>>(*view, way);
#endif
        case 1: return step<plain::Gru<plain::bf16>>(*view, way);
        default: return step<plain::Gru<float>>(*view, way);
    }
}

// 0, or 1 where memory is short.
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
