// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/image.hpp>
#include <pretext/io/png.hpp>
#include <pretext/report/page.hpp>

namespace pretext::inline v0_1 {

/// Pictures in rows of `columns`, with optional headings over the columns. Consecutive sheets with the same
/// title share a section of the page, with the text `about` of the first below the title.
struct image_sheet {
  std::string caption;
  std::size_t columns = 8;
  std::vector<image> images;
  std::vector<std::string> headings;
  std::string title = "What the encoder sees";
  std::string about = "Augmented views: the encoder learns that the views of one image are the same.";
};

/// A picture near another one in feature space, and whether it is of the same class.
struct neighbour_picture {
  image picture;
  std::string label;
  bool same_class = false;
};

/// A picture and its nearest neighbours, nearest first.
struct neighbour_row {
  image query;
  std::string label;
  std::vector<neighbour_picture> nearest;
};

namespace page {

/// A picture embedded in the page as PNG, with alternative text. Small ones are enlarged without smoothing.
/// Throws std::invalid_argument for an image whose pixels do not match its extents.
inline std::string picture(const image& picture, const std::string& alternative) {
  const image_view view = picture;
  expects(picture.pixels.size() == view.bytes(), "report: a picture of ", picture.height, " x ",
          picture.width, " x ", picture.channels, " cannot have ", picture.pixels.size(), " bytes");
  return element("img", {{"src", "data:image/png;base64," + base64(encode_png(picture))},
                         {"alt", alternative},
                         {"width", std::to_string(picture.width)},
                         {"height", std::to_string(picture.height)},
                         {"class", picture.width < 96 ? "small" : "large"}});
}

/// A sheet of images as a grid. Throws std::invalid_argument for a sheet without columns.
inline std::string sheet(const image_sheet& s) {
  expects(s.columns > 0, "report: the sheet \"", s.caption, "\" has no columns");
  std::string cells;
  for (const auto& heading : s.headings) cells += text_element("div", {{"class", "heading"}}, heading);
  for (std::size_t i = 0; i < s.images.size(); ++i) {
    const std::size_t column = i % s.columns;
    cells += picture(s.images[i], column < s.headings.size() ? s.headings[column] : "");
  }
  return element("div", {{"class", "sheet"}, {"style", "--columns:" + std::to_string(s.columns)}}, cells) +
         (s.caption.empty() ? "" : text_element("p", {{"class", "caption"}}, s.caption));
}

/// One section for each group of consecutive sheets with the same title.
inline std::string sheets_section(const std::vector<image_sheet>& sheets) {
  std::string html, sheets_of_section;
  const image_sheet* first = nullptr;
  const auto close = [&] {
    if (first != nullptr) html += section(first->title, first->about, sheets_of_section);
    sheets_of_section.clear();
  };
  for (const auto& s : sheets) {
    if (s.images.empty()) continue;
    if (first == nullptr || first->title != s.title) {
      close();
      first = &s;
    }
    sheets_of_section += sheet(s);
  }
  close();
  return html;
}

/// A picture with its label below, in an element of CSS class `kind`.
inline std::string labelled(const image& shown, const std::string& label, const std::string& kind) {
  std::string html = element("div", {{"class", "picture"}}, picture(shown, label));
  if (!label.empty()) html += text_element("div", {{"class", "label"}, {"title", label}}, label);
  return element("div", {{"class", kind}}, html);
}

/// A section of pictures and their nearest ones; an empty text if there are no rows.
inline std::string neighbours_section(const std::vector<neighbour_row>& rows, const std::string& title,
                                      const std::string& about) {
  if (rows.empty()) return {};
  std::string html;
  for (const auto& row : rows) {
    std::string nearest;
    for (const auto& [shown, label, same_class] : row.nearest)
      nearest += labelled(shown, label, same_class ? "right" : "wrong");
    html += element("div", {{"class", "row"}},
                    labelled(row.query, row.label, "query") + element("div", {{"class", "near"}}, nearest));
  }
  return section(title, about, element("div", {{"class", "rows"}}, html));
}

}  // namespace page
}  // namespace pretext::inline v0_1
