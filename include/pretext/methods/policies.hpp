#pragma once
#include <type_traits>
#include <utility>

namespace pretext {

// The words a method is spelled with. Order does not matter; absent words take the method's defaults.
template <class E>
struct encoder {
  using type = E;
};
template <class H>
struct projector {
  using type = H;
};
template <class H>
struct predictor {
  using type = H;
};
template <class H>
struct classifier {
  using type = H;
};
template <class L>
struct loss {
  using type = L;
};
template <class T>
struct target {
  using type = T;
};
template <class S>
struct statistics {
  using type = S;
};

template <class M>
struct masking {
  using type = M;
};
template <class H>
struct mask_mode {
  using type = H;
};
template <class D>
struct decoder {
  using type = D;
};

// What a view is compared with.
struct shared_weights {
  friend bool operator==(const shared_weights&, const shared_weights&) = default;
};  ///< the same network, gradients through both views
/// A slowly moving copy of encoder and projector, no gradient (Grill et al. 2020).
struct ema {
  double momentum = 0.996;  ///< the part of itself that it keeps in each step that is not told another

  friend bool operator==(const ema&, const ema&) = default;
};

// Over which views batch norm takes its statistics.
struct joint_statistics {};     ///< all views together, as SimCLR does
struct per_view_statistics {};  ///< each view apart, as BYOL does: what one forward pass per view computes

namespace detail {

template <class... Policies>
struct given : Policies... {};

template <template <class> class Word, class T>
std::type_identity<T> said(const Word<T>&);

template <template <class> class Word, class Policies, class Otherwise>
struct pick {
  using type = Otherwise;
};
template <template <class> class Word, class Policies, class Otherwise>
  requires requires(const Policies& p) { said<Word>(p); }
struct pick<Word, Policies, Otherwise> {
  using type = typename decltype(said<Word>(std::declval<const Policies&>()))::type;
};

/// Is P one of these words?
template <class P, template <class> class... Words>
inline constexpr bool is_one_of = (requires(const P& p) { said<Words>(p); } || ...);

template <class P>
inline constexpr bool is_word = false;
template <class T>
inline constexpr bool is_word<encoder<T>> = true;
template <class T>
inline constexpr bool is_word<projector<T>> = true;
template <class T>
inline constexpr bool is_word<predictor<T>> = true;
template <class T>
inline constexpr bool is_word<classifier<T>> = true;
template <class T>
inline constexpr bool is_word<loss<T>> = true;
template <class T>
inline constexpr bool is_word<target<T>> = true;
template <class T>
inline constexpr bool is_word<statistics<T>> = true;

}  // namespace detail
}  // namespace pretext
