// expects: pretext::classification: classifier<> is given twice
#include <pretext/layers/linear.hpp>
#include <pretext/methods/classification.hpp>
using namespace pretext;
using method = classification<shape<16>, encoder<linear<8>>, classifier<linear<4>>, classifier<linear<5>>>;
auto numbers = method::size;
