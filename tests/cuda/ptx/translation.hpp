#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actions.hpp"
#include "issue_slots.hpp"
#include "program.hpp"
#include "text.hpp"

namespace pretext::tests::ptx {

/// Translates a function's text into a kernel; calls are inlined.
class translation {
 public:
  translation(const program& from, std::string_view name) : from_{from} {
    to_.name = name;
    const auto& function = from.functions_.at(name);
    scopes_.emplace_back();
    const auto parameters = split(function.parameters, ',');
    if (parameters.size() != 1) unknown("a kernel without exactly one parameter");
    put(space::parameters, to_.parameter_bytes, declared(parameters[0]));
    body(function.body, false);
    to_.code.push_back({.is = instruction::kind::end, .text = "the end"});
  }
  kernel result() && { return std::move(to_); }

 private:
  struct scope {
    std::unordered_map<std::string, std::uint32_t> registers{};
    std::map<std::string_view, program::location> locations{};
  };
  struct operand {
    std::vector<std::uint32_t> registers{};
    bool address = false;
    std::int64_t offset = 0;
  };

  void put(space where, std::size_t& used, const declaration& what) {
    used = (used + what.alignment - 1) / what.alignment * what.alignment;
    scopes_.back().locations[what.name] = {where, used};
    used += what.bytes;
  }

  const program::location* find_location(std::string_view name) const {
    for (auto each = scopes_.rbegin(); each != scopes_.rend(); ++each)
      if (const auto found = each->locations.find(name); found != each->locations.end())
        return &found->second;
    const auto found = from_.variables_.find(name);
    return found == from_.variables_.end() ? nullptr : &found->second;
  }

  std::uint32_t constant(std::uint64_t value) {
    const auto [found, fresh] = constants_.emplace(value, to_.registers);
    if (fresh) to_.constants.emplace_back(to_.registers++, value);
    return found->second;
  }

  /// A register, a special register, an address, or a literal.
  std::uint32_t value(std::string_view name) {
    static const std::map<std::string_view, std::uint32_t> special{{"%tid.x", thread_index},
                                                                   {"%ctaid.x", block_index},
                                                                   {"%nctaid.x", block_count},
                                                                   {"%ntid.x", thread_count},
                                                                   {"%laneid", lane_index}};
    for (auto each = scopes_.rbegin(); each != scopes_.rend(); ++each)
      if (const auto found = each->registers.find(std::string{name}); found != each->registers.end())
        return found->second;
    if (const auto found = special.find(name); found != special.end()) return found->second;
    if (const auto* location = find_location(name)) {
      where_ = location->where;
      return constant(location->address);
    }
    return constant(number(name));
  }

  operand read_operand(std::string_view text) {
    operand parsed;
    if (text.front() == '{') {
      for (const std::string_view part : split(inside(text), ',')) parsed.registers.push_back(value(part));
    } else if (text.front() == '[') {
      const auto sum = split(inside(text), '+');
      parsed.address = true;
      parsed.registers.push_back(value(sum.at(0)));
      if (sum.size() > 1) parsed.offset = static_cast<std::int64_t>(number(sum[1]));
    } else {
      for (const std::string_view part : split(text, '|')) parsed.registers.push_back(value(part));
    }
    return parsed;
  }

  void declare(std::string_view text) {
    scanner words{text};
    const std::string_view kind = words.word();
    if (kind == ".reg") {
      words.word();  // the type
      for (const std::string_view each : split(words.until(';'), ',')) {
        const std::size_t many = each.find('<');
        auto& registers = scopes_.back().registers;
        if (many == std::string_view::npos) {
          registers[std::string{each}] = to_.registers++;
          continue;
        }
        const std::uint64_t count = number(each.substr(many + 1, each.size() - many - 2));
        for (std::uint64_t i = 0; i < count; ++i)
          registers[std::string{each.substr(0, many)} + std::to_string(i)] = to_.registers++;
      }
    } else if (kind == ".local" || kind == ".param") {  // parameters of calls; each thread has its own
      put(space::local, to_.local_bytes, declared(words.until(';')));
    } else if (kind != ".pragma" && kind != ".loc") {
      unknown(text);
    }
  }

  void call(std::string_view operands) {
    const auto parts = split(operands, ',');
    if (parts.size() != 3 || !from_.has(parts[1])) unknown(operands);
    const auto& callee = from_.functions_.at(parts[1]);
    scope inner;
    const auto bind = [&](std::string_view declared_names, std::string_view arguments) {
      const auto names = split(arguments, ',');
      std::size_t next = 0;
      for (const std::string_view each : split(declared_names, ',')) {
        const auto* const location = find_location(names.at(next++));
        if (!location) unknown(arguments);
        inner.locations[declared(each).name] = *location;
      }
    };
    bind(callee.result, inside(parts[0]));
    bind(callee.parameters, inside(parts[2]));
    scopes_.push_back(std::move(inner));
    body(callee.body, true);
    scopes_.pop_back();
  }

  void body(std::string_view text, bool called) {
    std::map<std::string_view, std::uint32_t> labels;
    std::vector<std::pair<std::size_t, std::string_view>> branches;
    const std::size_t depth = scopes_.size();
    scanner rest{text};
    while (!rest.done()) {
      if (rest.front() == '{' || rest.front() == '}') {
        if (rest.front() == '{')
          scopes_.emplace_back();
        else
          scopes_.pop_back();
        rest.until(rest.front());
        continue;
      }
      scanner ahead = rest;
      if (const std::string_view label = ahead.word(); label.ends_with(':')) {
        labels[label.substr(0, label.size() - 1)] = static_cast<std::uint32_t>(to_.code.size());
        rest = ahead;
        continue;
      }
      const std::string_view statement = rest.until(';');
      if (statement.starts_with('.'))
        declare(statement);
      else
        add(statement, called, branches);
    }
    if (scopes_.size() != depth) unknown("an unbalanced scope");
    labels[end_of_function] = static_cast<std::uint32_t>(to_.code.size());
    for (const auto& [at, label] : branches) {
      if (!labels.contains(label)) unknown(label);
      to_.code[at].target = labels.at(label);
    }
  }

  void add(std::string_view statement, bool called,
           std::vector<std::pair<std::size_t, std::string_view>>& branches) {
    using kind = instruction::kind;
    instruction parsed{};
    parsed.text = statement;
    std::string_view rest = statement;
    if (rest.front() == '@') {
      parsed.negated = rest[1] == '!';
      scanner words{rest.substr(parsed.negated ? 2 : 1)};
      parsed.guard = value(words.word());
      rest = words.done() ? std::string_view{} : words.until(';');
    }
    const std::size_t blank = std::min(rest.find_first_of(" \t\n"), rest.size());
    const auto words = split(rest.substr(0, blank), '.');
    const std::string_view operands = trimmed(rest.substr(blank));
    if (words.empty()) unknown(statement);
    parsed.warp_wide = words[0] == "bar" || words[0] == "wmma" || words[0] == "shfl" || words[0] == "mma" ||
                       words[0] == "ldmatrix";
    parsed.aligned = std::find(words.begin(), words.end(), "aligned") != words.end();
    parsed.issue_slots = issue_slots(words);
    parsed.divides = (words[0] == "div" || words[0] == "rem") && words.back().front() != 'f';
    if (words[0] == "call" && rest.size() == statement.size()) return call(operands);
    if (words[0] == "bra" || words[0] == "ret") {
      const bool leaves = words[0] == "ret" && !called;
      parsed.is = leaves ? kind::end : kind::branch;
      if (!leaves) branches.emplace_back(to_.code.size(), words[0] == "ret" ? end_of_function : operands);
    } else if (words[0] == "bar" && words.size() == 2 && words[1] == "sync" && operands == "0") {
      parsed.is = kind::barrier;
    } else {
      where_ = space::parameters;
      const bool stores = words[0] == "st" || (words[0] == "wmma" && words[1] == "store") ||
                          words[0] == "bar" || words[0] == "cp";
      for (const std::string_view text : split(operands, ',')) {
        const operand next = read_operand(text);
        auto& side = parsed.to.empty() && parsed.from.empty() && !stores ? parsed.to : parsed.from;
        side.insert(side.end(), next.registers.begin(), next.registers.end());
        if (next.address) parsed.offset = next.offset;
        if (next.offset != 0 && words[0] == "cp") unknown(statement);  // has two addresses
      }
      parsed.act = action_for(words, where_);
      if (!parsed.act) unknown(statement);
    }
    to_.code.push_back(std::move(parsed));
  }

  static constexpr std::string_view end_of_function = "the end of a function";
  const program& from_;
  kernel to_;
  std::vector<scope> scopes_;
  std::unordered_map<std::uint64_t, std::uint32_t> constants_;
  space where_ = space::parameters;  // the state space that the last operand names
};

}  // namespace pretext::tests::ptx
