#include "program.hpp"

#include <cstring>
#include <utility>

#include "text.hpp"
#include "translation.hpp"

namespace pretext::tests::ptx {

program::program(std::string text, device_memory& memory) : text_{std::move(text)} {
  scanner rest{text_};
  while (!rest.done()) {
    const std::string_view word = rest.word();
    if (word == ".version" || word == ".target" || word == ".address_size") {
      rest.until('\n');
    } else if (word == ".entry" || word == ".func") {
      function parsed;
      if (!rest.done() && rest.front() == '(') parsed.result = rest.brackets('(', ')');
      const std::string_view name = rest.word();
      if (!rest.done() && rest.front() == '(') parsed.parameters = rest.brackets('(', ')');
      while (!rest.done() && rest.front() != '{' && rest.front() != ';')  // such as .maxntid 256, 1, 1
        if (rest.word().empty()) rest.until(',');
      if (rest.front() == ';') {
        rest.until(';');  // a forward declaration
        continue;
      }
      parsed.body = rest.brackets('{', '}');
      functions_.emplace(name, parsed);
    } else if (word == ".global" || word == ".const") {
      const auto sides = split(rest.until(';'), '=');
      const declaration variable = declared(sides.at(0));
      const std::uint64_t address = memory.allocate(variable.bytes);
      if (address == 0 || variable.bytes == 0) unknown(sides[0]);
      memory.on_write(address, variable.bytes);
      std::memset(memory.host_pointer(address), 0, variable.bytes);
      if (sides.size() > 1) {
        const auto values = split(inside(sides[1]), ',');
        const std::size_t each = values.empty() ? 0 : variable.bytes / values.size();
        for (std::size_t i = 0; i < values.size(); ++i) {
          const std::uint64_t value = number(values[i]);
          std::memcpy(memory.host_pointer(address) + i * each, &value, each);
        }
      }
      variables_.emplace(variable.name, location{space::global, address});
      ++variables_in_memory_;
    } else if (word == ".shared") {  // dynamic shared memory
      const declaration variable = declared(rest.until(';'));
      if (variable.bytes != 0) unknown("static shared memory");
      variables_.emplace(variable.name, location{space::shared, 0});
    } else if (word != ".visible" && word != ".weak" && word != ".extern") {
      unknown(word.empty() ? rest.until('\n') : word);
    }
  }
}

const kernel& program::find(std::string_view name) {
  if (const auto known = ready_.find(name); known != ready_.end()) return known->second;
  const auto found = functions_.find(name);
  if (found == functions_.end()) throw fault{"there is no PTX for kernel " + std::string{name}};
  return ready_.emplace(found->first, translation{*this, found->first}.result()).first->second;
}

}  // namespace pretext::tests::ptx
