// How a search runs for Python: in a thread of its own while the calling one, without the GIL,
// waits and looks for signals every few milliseconds. A signal whose handler raises (Ctrl-C) stops
// the search, which then returns what it has.
#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "bindings.hpp"

namespace cosmalloc {

// Runs work(cancel) to its end; true if a signal cut it short. tick() is called with the GIL every
// few milliseconds and once at the end; what it raises stops the work and is raised after it.
template <class Work, class Tick>
bool run_interruptibly(Work&& work, Tick&& tick) {
  std::atomic<bool> cancel{false};
  std::exception_ptr error;
  std::exception_ptr refused;
  std::mutex mutex;
  std::condition_variable ended;
  bool done = false;
  bool interrupted = false;
  std::thread worker([&] {
    try {
      work(cancel);
    } catch (...) {
      error = std::current_exception();
    }
    const std::lock_guard lock(mutex);
    done = true;
    ended.notify_one();
  });
  {
    const nb::gil_scoped_release release;
    std::unique_lock lock(mutex);
    while (!ended.wait_for(lock, std::chrono::milliseconds(10), [&] { return done; })) {
      lock.unlock();
      {
        const nb::gil_scoped_acquire acquire;
        if (PyErr_CheckSignals() != 0) {
          PyErr_Clear();
          interrupted = true;
          cancel = true;
        }
        try {
          if (!refused) tick();
        } catch (...) {
          refused = std::current_exception();
          cancel = true;
        }
      }
      lock.lock();
    }
    lock.unlock();
    worker.join();
  }
  if (error) std::rethrow_exception(error);
  if (refused) std::rethrow_exception(refused);
  tick();
  return interrupted;
}

template <class Work>
bool run_interruptibly(Work&& work) {
  return run_interruptibly(std::forward<Work>(work), [] {});
}

}  // namespace cosmalloc
