// expects: pretext::classification: the classifier<> must be a Head
#include <pretext/layers/linear.hpp>
#include <pretext/methods/classification.hpp>
using namespace pretext;
using method = classification<shape<16>, encoder<linear<8>>, classifier<int>>;
auto numbers = method::size;
