// expects: pretext::step_queue: give the method, its loss and the optimizer an operator==
#include <string>

#include <pretext/cpu.hpp>
#include <pretext/training/step_queue.hpp>
using namespace pretext;
using images = shape<32, 32, 3>;
struct named_loss : nt_xent {
  std::string name;
  bool operator==(const named_loss&) const = delete;
};
using method =
    joint_embedding<images, encoder<resnet18<stem::cifar, 4>>, projector<simclr_head<32>>, loss<named_loss>>;
using learner = trainer<method, on<cpu>, sgd>;
struct batches {
  std::size_t images() const { return 4; }
  keyed_views<on<cpu>, ::images> operator()(learner&, const step_state*) { return {}; }
};
void misuse(step_queue<learner, batches>& queue, std::span<const step_values> values) {
  queue.enqueue(values);
}
