#include <doctest/doctest.h>

#include <pretext/losses/composition.hpp>
#include <pretext/losses/concepts.hpp>
#include <pretext/losses/cosine_regression.hpp>
#include <pretext/losses/cross_entropy.hpp>
#include <pretext/losses/feature_regression.hpp>
#include <pretext/losses/koleo.hpp>
#include <pretext/losses/masked_pixels.hpp>
#include <pretext/losses/msn_loss.hpp>
#include <pretext/losses/nearest_neighbor_contrast.hpp>
#include <pretext/losses/negative_cosine.hpp>
#include <pretext/losses/nt_xent.hpp>
#include <pretext/losses/queue_contrast.hpp>
#include <pretext/losses/relational_loss.hpp>
#include <pretext/losses/self_distillation.hpp>
#include <pretext/losses/sketched_isotropy.hpp>
#include <pretext/losses/supervised_contrastive.hpp>
#include <pretext/losses/swapped_prediction.hpp>
#include <pretext/losses/tico_loss.hpp>
#include <pretext/losses/whitening_mse.hpp>
#include <pretext/methods/simmim.hpp>

using namespace pretext;

namespace {

/// A loss of a user: declared as a template over the context.
struct own_loss {
  template <class Context, Shape S>
  typename Context::loss_value operator()(Context&, reads<Context, S>, writes<Context, S>) const {
    return 0;
  }
};

/// A function of the right tensors that does not return Context::loss_value.
struct returns_nothing {
  template <class Context, Shape S>
  void operator()(Context&, reads<Context, S>, writes<Context, S>) const {}
};

/// A loss with a state but no commit.
struct never_commits {
  static constexpr bool compares_with_target = false;
  template <class Context, Shape P, Shape E>
  struct state {};
  template <class Context, Shape P, Shape E>
  typename Context::loss_value operator()(Context&, const loss_batch<Context, P, E>&,
                                          state<Context, P, E>&) const {
    return 0;
  }
};

/// A loss that does not say whether it needs a target.
struct without_target {
  template <class Context, Shape P, Shape E>
  typename Context::loss_value operator()(Context&, const loss_batch<Context, P, E>&) const {
    return 0;
  }
};

template <class... L>
constexpr bool are_batch_losses = (BatchLoss<L> && ...);

template <class L>
constexpr int kinds = JointLoss<L> + PredictiveLoss<L> + ClassificationLoss<L> + MaskedLoss<L> + BatchLoss<L>;

}  // namespace

TEST_CASE("every loss of the library is of exactly one kind") {
  static_assert(JointLoss<nt_xent> && kinds<nt_xent> == 1);
  static_assert(PredictiveLoss<cosine_regression> && kinds<cosine_regression> == 1);
  static_assert(ClassificationLoss<cross_entropy> && kinds<cross_entropy> == 1);
  static_assert(MaskedLoss<masked_pixels> && kinds<masked_pixels> == 1);
  static_assert(MaskedLoss<simmim_pixels> && kinds<simmim_pixels> == 1);
  static_assert(are_batch_losses<negative_cosine, queue_contrast, relational_loss, nearest_neighbor_contrast,
                                 tico_loss, supervised_contrastive, whitening_mse, swapped_prediction,
                                 self_distillation, koleo, sketched_isotropy, msn_loss, feature_regression>);
  static_assert(kinds<negative_cosine> == 1 && kinds<queue_contrast> == 1);
}

TEST_CASE("sums and weighted losses are of the kind of their parts, and parts of two kinds make no loss") {
  static_assert(JointLoss<own_loss> && kinds<own_loss> == 1);
  static_assert(JointLoss<loss_sum<nt_xent, weighted_loss<own_loss>>>);
  static_assert(PredictiveLoss<loss_sum<cosine_regression, weighted_loss<cosine_regression>>>);
  static_assert(!Loss<loss_sum<nt_xent, cosine_regression>>);
  static_assert(BatchLoss<loss_sum<queue_contrast, weighted_loss<negative_cosine>>>);
  static_assert(kinds<loss_sum<nt_xent, weighted_loss<queue_contrast>>> == 1);
  static_assert(kinds<weighted_loss<loss_sum<negative_cosine, cosine_regression>>> == 1);
  static_assert(!Loss<loss_sum<negative_cosine, masked_pixels>>);
  static_assert(loss_sum<nt_xent, weighted_loss<queue_contrast>>::compares_with_target);
  static_assert(loss_sum<cosine_regression, negative_cosine>::compares_with_target);
  static_assert(!weighted_loss<nt_xent>::compares_with_target);
  static_assert(!Loss<loss_sum<cross_entropy, cosine_regression>>);
}

TEST_CASE("other types are no losses") {
  static_assert(!Loss<int> && !Loss<shape<3>> && !Loss<returns_nothing> && !Loss<never_commits> &&
                !Loss<without_target>);
}
