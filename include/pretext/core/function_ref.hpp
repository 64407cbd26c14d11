// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <type_traits>
#include <utility>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1 {

template <class Signature>
class function_ref;

/// A reference to a callable object (std::function_ref of C++26). A function that takes one is compiled once
/// and not for every callable; the indirect call is cheap beside the work that it does. It must not outlive
/// the callable.
template <class Result, class... Arguments>
class function_ref<Result(Arguments...)> {
 public:
  template <class Callable>
    requires(std::is_object_v<std::remove_reference_t<Callable>> &&
             !std::is_same_v<std::remove_cvref_t<Callable>, function_ref> &&
             std::is_invocable_r_v<Result, Callable&, Arguments...>)
  function_ref(Callable&& callable)
      : address_{std::addressof(callable)}, call_{[](const void* address, Arguments... arguments) -> Result {
          using type = std::remove_reference_t<Callable>;
          return (*static_cast<type*>(const_cast<void*>(address)))(std::forward<Arguments>(arguments)...);
        }} {}

  Result operator()(Arguments... arguments) const {
    return call_(address_, std::forward<Arguments>(arguments)...);
  }

 private:
  const void* address_;
  Result (*call_)(const void*, Arguments...);
};

}  // namespace pretext::inline v0_1
