#include <doctest/doctest.h>
#include <png.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <pretext/report/report.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace pretext;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

image noise(std::size_t height, std::size_t width, std::size_t channels, unsigned seed) {
  image picture{height, width, channels, {}};
  for (std::size_t i = 0; i < height * width * channels; ++i)
    picture.pixels.push_back(static_cast<std::uint8_t>((seed = seed * 1664525u + 1013904223u) >> 24));
  return picture;
}

report everything() {
  report r;
  r.title = "SimCLR on 12 000 images";
  r.summary = "No label was used.";
  r.command_line = "pretrain simclr --data \"my photos\" --out out";
  r.facts = {{"method", "SimCLR"}, {"epochs", "4"}};
  r.accuracies = {{"kNN", "linear"}, {{"SimCLR", {0.883, 0.912}}, {"raw pixels", {0.73, not_a_number}}}};
  r.charts = {
      {"Loss", "step", "nats", {{"NT-Xent", {0, 1, 2, 3}, {6, 5, not_a_number, 4}}}, {{"chance", 6.2}}}};
  r.sheets = {{"views", 2, {noise(5, 7, 3, 1), noise(32, 32, 1, 2)}, {"original", "view"}}};
  r.tables = {{"Classes", "Each class by itself.", {"class", "images"}, {{"cat", "31"}, {"dog"}}}};
  r.neighbours = {
      {noise(8, 8, 3, 3), "cat", {{noise(8, 8, 3, 4), "cat", true}, {noise(8, 8, 3, 5), "dog", false}}}};
  r.embedding = {"principal components", {0, 1, 2, not_a_number}, {0, 1, 0, 1}, {0, 1, 1, 0}, {"cat", "dog"}};
  r.configuration = {{"temperature", "0.5"}, {"batch", "256"}};
  r.provenance = {{"pretext", "0.1.0"}};
  r.notes = {"2 files were skipped"};
  return r;
}

std::size_t occurrences(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

/// The page's markup without its style sheet and script.
std::string markup(const std::string& html) {
  const auto style = html.find("<style>"), end_of_style = html.find("</style>");
  const auto script = html.find("<script>"), end_of_script = html.find("</script>");
  return html.substr(0, style) + html.substr(end_of_style + 8, script - end_of_style - 8) +
         html.substr(end_of_script + 9);
}

std::vector<std::uint8_t> from_base64(std::string_view text) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::vector<std::uint8_t> bytes;
  std::uint32_t word = 0, bits = 0;
  for (const char c : text.substr(0, text.find('='))) {
    word = word << 6 | static_cast<std::uint32_t>(digits.find(c));
    if ((bits += 6) >= 8) bytes.push_back(static_cast<std::uint8_t>(word >> (bits -= 8)));
  }
  return bytes;
}

image read_png(const std::vector<std::uint8_t>& file, std::size_t channels) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  REQUIRE(png_image_begin_read_from_memory(&png, file.data(), file.size()));
  png.format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  image picture{png.height, png.width, channels, std::vector<std::uint8_t>(PNG_IMAGE_SIZE(png))};
  REQUIRE(png_image_finish_read(&png, nullptr, picture.pixels.data(), 0, nullptr));
  return picture;
}

}  // namespace

TEST_CASE("base64 agrees with the vectors of RFC 4648") {
  const auto encoded = [](std::string_view text) { return page::base64(std::as_bytes(std::span{text})); };
  CHECK(encoded("") == "");
  CHECK(encoded("f") == "Zg==");
  CHECK(encoded("fo") == "Zm8=");
  CHECK(encoded("foo") == "Zm9v");
  CHECK(encoded("foob") == "Zm9vYg==");
  CHECK(encoded("fooba") == "Zm9vYmE=");
  CHECK(encoded("foobar") == "Zm9vYmFy");
  CHECK(encoded("\xff\xfe\xfd") == "//79");
}

TEST_CASE("the page loads nothing from the network") {
  const std::string html = to_html(everything());
  for (const auto part : {"http:", "https:", "<link", "@import", "url(", "src=\"/", " src=\"."})
    CHECK(html.find(part) == html.npos);
  CHECK(occurrences(html, "<img ") == 5);
  CHECK(occurrences(html, "src=\"data:image/png;base64,") == 5);
}

TEST_CASE("all elements are closed in order, and all attributes are quoted") {
  const std::string html = markup(to_html(everything()));
  std::vector<std::string> open;
  std::size_t tags = 0;
  for (std::size_t at = html.find('<'); at != html.npos; at = html.find('<', at + 1)) {
    const std::string tag = html.substr(at + 1, html.find_first_of("<>", at + 1) - at - 1);
    const std::string name = tag.substr(0, tag.find(' '));
    REQUIRE(html[at + 1 + tag.size()] == '>');
    if (name == "img" || name == "meta" || name == "!doctype") continue;
    ++tags;
    CHECK(occurrences(tag, "=\"") * 2 == occurrences(tag, "\""));
    if (tag[0] != '/') {
      open.push_back(name);
    } else {
      REQUIRE_FALSE(open.empty());
      CHECK("/" + open.back() == tag);
      open.pop_back();
    }
  }
  CHECK(open.empty());
  CHECK(tags > 200);
}

TEST_CASE("text is escaped everywhere") {
  const std::string attack = "<script>alert('\"&\")</script>";
  report r = everything();
  r.title = r.summary = r.command_line = attack;
  r.facts = r.configuration = r.provenance = {{attack, attack}};
  r.accuracies.columns[0] = r.accuracies.rows[0].name = attack;
  r.charts[0].title = r.charts[0].x_name = r.charts[0].y_name = attack;
  r.charts[0].curves[0].name = r.charts[0].references[0].name = attack;
  r.sheets[0].caption = r.sheets[0].headings[0] = attack;
  r.neighbours[0].label = r.neighbours[0].nearest[0].label = attack;
  r.neighbours_title = r.neighbours_about = attack;
  r.tables = {{attack, attack, {attack}, {{attack, attack}}}};
  r.embedding.caption = r.embedding.classes[0] = attack;
  r.notes = {attack};
  const std::string html = to_html(r);
  CHECK(occurrences(html, "<script>") == 1);
  CHECK(html.find("alert('") == html.npos);
  CHECK(occurrences(html, "&lt;script&gt;alert(&#39;&quot;&amp;&quot;)&lt;/script&gt;") >= 29);
}

TEST_CASE("bytes that are not UTF-8 and control characters become replacement characters") {
  report r = everything();
  r.notes = {"caf\xE9/\x1B[2J\xC3\xA9.jpg"};
  const std::string html = to_html(r);
  CHECK(html.find("caf\xEF\xBF\xBD/\xEF\xBF\xBD[2J\xC3\xA9.jpg") != html.npos);
  CHECK(pretext::detail::find_invalid_utf8(html) == html.size());
}

TEST_CASE("a picture whose pixels do not match its extents is rejected and not read beyond its end") {
  report r = everything();
  r.sheets[0].images[0] = {1000, 1000, 3, {1}};
  CHECK_THROWS_WITH_AS(to_html(r),
                       "an image of 1000 x 1000 x 3 samples needs 3000000 bytes of pixels but has 1",
                       std::invalid_argument);
}

TEST_CASE("pictures in the page have the same pixels") {
  const report r = everything();
  const std::string html = to_html(r);
  const std::string_view source = "src=\"data:image/png;base64,";
  std::size_t at = 0;
  for (const image& sent : {r.sheets[0].images[0], r.sheets[0].images[1], r.neighbours[0].query}) {
    at = html.find(source, at) + source.size();
    const image got =
        read_png(from_base64(std::string_view{html}.substr(at, html.find('"', at) - at)), sent.channels);
    CHECK(got.height == sent.height);
    CHECK(got.width == sent.width);
    CHECK(got.pixels == sent.pixels);
  }
}

TEST_CASE("a neighbour of another class is marked, not by colour alone") {
  const std::string html = markup(to_html(everything()));
  CHECK(occurrences(html, "<div class=\"right\">") == 1);
  CHECK(occurrences(html, "<div class=\"wrong\">") == 1);
  CHECK(std::string_view{page::style}.find(".near .wrong .picture{border:3px dashed") !=
        std::string_view::npos);
}

TEST_CASE("a table shows its cells under its columns, and no section without rows") {
  report r = everything();
  const std::string html = markup(to_html(r));
  CHECK(html.find("<h2>Classes</h2><p class=\"lead\">Each class by itself.</p>") != html.npos);
  CHECK(html.find("<th>class</th><th>images</th>") != html.npos);
  CHECK(html.find("<tr><th>cat</th><td>31</td></tr><tr><th>dog</th></tr>") != html.npos);
  r.tables[0].rows.clear();
  CHECK(to_html(r).find("Classes") == std::string::npos);
}

TEST_CASE("ticks are multiples of 1, 2 or 5 times a power of ten and enclose the values") {
  for (const auto& [low, high] : std::vector<std::pair<double, double>>{
           {0, 1}, {4.37, 6.24}, {0, 1240}, {-3e-4, 2e-4}, {0.06, 0.0799}, {1e6, 7.3e6}, {-80, -20}}) {
    const page::axis axis = page::axis_over(low, high, 5, true);
    const double power = std::pow(10, std::floor(std::log10(axis.step) + 1e-9));
    const double digit = axis.step / power;
    CHECK((doctest::Approx(digit) == 1 || doctest::Approx(digit) == 2 || doctest::Approx(digit) == 5));
    CHECK(axis.low <= low);
    CHECK(axis.high >= high);
    CHECK(axis.low > low - axis.step);
    CHECK(axis.high < high + axis.step);
    const auto ticks = axis.ticks();
    CHECK(ticks.size() >= 3);
    CHECK(ticks.size() <= 10);
    CHECK(ticks.front() == doctest::Approx(axis.low));
    CHECK(ticks.back() == doctest::Approx(axis.high));
  }
}

TEST_CASE("a tick's label has the decimals that its step needs") {
  CHECK(page::axis{0, 1, 0.2}.label(0.6) == "0.6");
  CHECK(page::axis{0, 0.1, 0.05}.label(0.05) == "0.05");
  CHECK(page::axis{0, 10, 2}.label(6) == "6");
  CHECK(page::axis{-1, 1, 0.5}.label(-0.5) == "−0.5");
  CHECK(page::axis{-1, 1, 0.5}.label(-1e-17) == "0.0");
  CHECK(page::axis{0, 1e4, 2000}.label(4000) == "4000");
  CHECK(page::axis{0, 2e6, 500000}.label(1500000) == "1\u2009500\u2009000");
  CHECK(page::axis{0, 2e-6, 5e-7}.label(1.5e-6) == "1.5e-06");
}

TEST_CASE("there is an axis for one value, for no values and for equal values") {
  for (const auto& [low, high] : std::vector<std::pair<double, double>>{
           {0, 0},
           {3, 3},
           {-7e9, -7e9},
           {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()}}) {
    const page::axis axis = page::axis_over(low, high, 5, true);
    CHECK(axis.high > axis.low);
    CHECK(axis.step > 0);
    CHECK(axis.ticks().size() >= 2);
  }
}

TEST_CASE("a curve reaches the corners of its axes, and NaN and infinity leave a gap") {
  const chart c{"", "", "", {{"", {0, 1, 2, 3, 4}, {0, 10, not_a_number, 10, 0}}}, {}};
  const page::plot_area area = page::area_of(c);
  const auto corner = [&](double x, double y) { return area.x_of(x) + " " + area.y_of(y); };
  CHECK(area.x_of(0) == page::fixed(page::plot_area::left, 2));
  CHECK(area.x_of(4) == page::fixed(page::plot_area::right, 2));
  CHECK(area.y_of(0) == page::fixed(page::plot_area::bottom, 2));
  CHECK(area.y_of(10) == page::fixed(page::plot_area::top, 2));
  CHECK(page::path_of(area, c.curves[0]) ==
        "M" + corner(0, 0) + "L" + corner(1, 10) + "M" + corner(3, 10) + "L" + corner(4, 0));
}

TEST_CASE("a long curve is thinned without losing its peaks, its gaps or its order") {
  chart_curve c;
  for (int i = 0; i < 100'000; ++i) {
    c.x.push_back(i);
    c.y.push_back(std::sin(i));
  }
  c.y[12'345] = 99;
  c.y[54'321] = -99;
  c.y[77'777] = not_a_number;
  const auto kept = page::points_to_draw(c);
  CHECK(kept.size() <= 3 * 400);
  CHECK(kept.size() >= 2 * 400);
  CHECK(std::is_sorted(kept.begin(), kept.end()));
  for (const std::size_t i : {12'345u, 54'321u, 77'777u}) CHECK(std::count(kept.begin(), kept.end(), i) == 1);
}

TEST_CASE("NaN and infinity are never written to the page") {
  report r = everything();
  const double infinity = std::numeric_limits<double>::infinity();
  r.accuracies.rows[0].values = {not_a_number, infinity};
  r.charts.push_back(
      {"nothing but gaps", "", "", {{"", {0, 1}, {not_a_number, infinity}}}, {{"", not_a_number}}});
  r.charts.push_back({"no curve", "", "", {}, {}});
  r.embedding = {"one place", {1, 1}, {2, 2}, {}, {}};
  const std::string html = markup(to_html(r));
  CHECK(html.find("nan") == html.npos);
  CHECK(html.find("inf") == html.npos);
}

TEST_CASE("an empty report is a page with a title and no empty sections") {
  report r;
  r.title = "Nothing yet";
  const std::string html = markup(to_html(r));
  CHECK(html.find("<h1>Nothing yet</h1>") != html.npos);
  CHECK(html.find("<section>") == html.npos);
  CHECK(html.find("<div") == html.npos);
}

TEST_CASE("inconsistent parts are refused by name") {
  report r = everything();
  r.accuracies.rows[1].values.pop_back();
  CHECK_THROWS_WITH_AS(to_html(r), "report: \"raw pixels\" has 1 accuracies for the 2 columns of the table",
                       std::invalid_argument);
  r = everything();
  r.charts[0].curves[0].x.pop_back();
  CHECK_THROWS_WITH_AS(to_html(r), "report: the curve \"NT-Xent\" has 3 x but 4 y", std::invalid_argument);
  r = everything();
  r.embedding.label[2] = 2;
  CHECK_THROWS_WITH_AS(to_html(r), "report: the scatter has a point of class 2 but names 2 classes",
                       std::invalid_argument);
  r = everything();
  r.sheets[0].columns = 0;
  CHECK_THROWS_WITH_AS(to_html(r), "report: the sheet \"views\" has no columns", std::invalid_argument);
}

TEST_CASE("writing replaces the old page and leaves no temporary file") {
  const auto folder = std::filesystem::temp_directory_path() / "pretext report test";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  std::ofstream{folder / "report.html"} << "old";
  write_report(folder / "report.html", everything());
  std::ifstream file{folder / "report.html", std::ios::binary};
  CHECK(std::string{std::istreambuf_iterator<char>{file}, {}} == to_html(everything()));
  CHECK(std::distance(std::filesystem::directory_iterator{folder}, {}) == 1);
  CHECK_THROWS_AS(write_report(folder / "no such folder" / "report.html", everything()), std::runtime_error);
  std::filesystem::remove_all(folder);
}
