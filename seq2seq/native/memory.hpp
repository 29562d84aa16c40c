// Buffers, and what happens when memory runs out: an exception within the library, a status outside of it. Where there
// are no exceptions, as in a browser, the program ends.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "seq2seq.h"

#ifdef __wasm__
#define NATIVE_THREAD_LOCAL static  // there is one thread, and nothing that would destroy its variables
#else
#define NATIVE_THREAD_LOCAL thread_local
#endif

[[noreturn]] inline void out_of_memory() {
#ifdef __cpp_exceptions
    throw std::bad_alloc();
#else
    std::abort();
#endif
}

// The status that `work` returns.
template <class Work>
int status_of(const Work& work) {
#ifdef __cpp_exceptions
    try {
        return work();
    } catch (const std::bad_alloc&) {
        return SEQ2SEQ_OUT_OF_MEMORY;
    }
#else
    return work();
#endif
}

// A buffer aligned to cache lines and padded at the end so that full vectors can be read.
template <class T>
class AlignedBuffer {
  public:
    AlignedBuffer() = default;
    explicit AlignedBuffer(size_t count) { resize(count); }
    // Discards the contents if it grows.
    void resize(size_t count) {
        if (count <= size_) return;
        if (count > (SIZE_MAX - 127) / sizeof(T)) out_of_memory();
        size_t total = (count * sizeof(T) + 127) / 64 * 64;
        // A buffer may be used again after a failed allocation, which must leave it empty.
        data_.reset();
        size_ = 0;
        data_.reset(static_cast<T*>(::operator new(total, std::align_val_t(64))));
        memset(static_cast<void*>(data_.get()), 0, total);
        size_ = count;
    }
    T* get() const { return data_.get(); }
    T& operator[](size_t index) const { return data_.get()[index]; }

  private:
    struct Free {
        void operator()(T* data) const { ::operator delete(data, std::align_val_t(64)); }
    };
    std::unique_ptr<T, Free> data_;
    size_t size_ = 0;
};
