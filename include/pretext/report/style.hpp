// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <string>
#include <string_view>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1::page {

/// Ten colours that colour-blind readers can tell apart (eight are Okabe and Ito's), for light backgrounds.
inline constexpr std::array<std::string_view, 10> palette_light{"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                                "#e69f00", "#56b4e9", "#6a3d9a", "#8c6d31",
                                                                "#6b7280", "#a3a500"};
/// The same ten colors for dark backgrounds.
inline constexpr std::array<std::string_view, 10> palette_dark{"#4aa8e0", "#ff8243", "#2cc79a", "#e8a0c8",
                                                               "#f5b942", "#8fd0f7", "#b08ee6", "#c9a86a",
                                                               "#a8b0bd", "#d3d54a"};

/// CSS classes c0 to c9 with the colors of both palettes.
inline std::string colors() {
  const auto rules = [](const auto& palette) {
    std::string css;
    for (std::size_t i = 0; i < palette.size(); ++i)
      css += ".c" + std::to_string(i) + "{--c:" + std::string{palette[i]} + "}";
    return css;
  };
  return rules(palette_light) + "\n@media (prefers-color-scheme:dark){" + rules(palette_dark) + "}\n";
}

/// The style sheet of a report.
inline constexpr std::string_view style = R"css(
:root{color-scheme:light dark;--ground:#f6f7f9;--card:#fff;--ink:#1b2230;--soft:#5b6575;--line:#e3e6eb;--grid:#e9ecf0;
--bar:#d9e8f3;--right:#0072b2;--wrong:#d55e00;--shade:0 1px 2px rgba(20,30,50,.05),0 4px 16px rgba(20,30,50,.04)}
@media (prefers-color-scheme:dark){:root{--ground:#12151b;--card:#1a1f27;--ink:#e6e9ee;--soft:#9aa5b4;--line:#2b323d;
--grid:#272e38;--bar:#1f3f57;--right:#4aa8e0;--wrong:#ff8243;--shade:none}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,
"Helvetica Neue","Liberation Sans",Arial,sans-serif;font-variant-numeric:tabular-nums;-webkit-text-size-adjust:100%}
main{max-width:1120px;margin:0 auto;padding:clamp(20px,5vw,56px) clamp(14px,3vw,32px)}
h1{font-size:clamp(1.6rem,4.2vw,2.4rem);line-height:1.15;letter-spacing:-.02em;margin:0;text-wrap:balance}
h2{font-size:1.18rem;letter-spacing:-.01em;margin:0 0 14px}h2:has(+.lead){margin-bottom:3px}
h3{font-size:.95rem;margin:28px 0 8px}
.summary{font-size:1.08rem;color:var(--soft);max-width:68ch;margin:10px 0 0}
.lead{color:var(--soft);font-size:.93rem;max-width:72ch;margin:0 0 18px}
section,.tile{background:var(--card);border:1px solid var(--line);border-radius:12px;box-shadow:var(--shade)}
section{padding:clamp(16px,2.6vw,28px);margin-top:20px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(210px,1fr));gap:16px;margin-top:28px}
.tile{padding:18px 22px;border-top:3px solid var(--right)}
.tile .name{color:var(--soft);font-size:.9rem}
.tile .figure{font-size:2.7rem;line-height:1.2;font-weight:650;letter-spacing:-.03em;margin-bottom:4px}
small{font-size:.62em;font-weight:500;margin-left:.12em;color:var(--soft)}
.tile .beside{color:var(--soft);font-size:.88rem}.tile .beside small{font-size:.85em}
dl{margin:0}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
.facts{display:flex;flex-wrap:wrap;gap:10px 36px;margin:24px 2px 4px}
.facts dt{font-size:.82rem}.facts dd{font-weight:600}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:28px 36px}
figure{margin:0;min-width:0}figcaption{font-weight:600;font-size:.95rem}
svg{display:block;width:100%;height:auto;overflow:visible}
.charts figure{display:flex;flex-direction:column}.charts svg{margin-top:auto}
svg text{font-size:12.5px;fill:var(--soft)}
.end{text-anchor:end}.middle{text-anchor:middle}
.grid{stroke:var(--grid)}.axis{stroke:var(--soft);stroke-width:1;opacity:.55}
.curve{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.reference{stroke:var(--c);stroke-width:1.5;stroke-dasharray:5 5}
.cursor{stroke:var(--soft);visibility:hidden}
.legend{display:flex;flex-wrap:wrap;gap:2px 18px;font-size:.86rem;color:var(--soft);margin:2px 0 14px;min-height:1.55em}
.legend span::before{content:"";display:inline-block;width:18px;margin-right:7px;vertical-align:.28em;
border-top:3px solid var(--c);border-radius:2px}
.legend .dashed::before{width:23px;border-top:2px dashed var(--c);border-radius:0}.legend output{color:var(--ink);font-weight:600}
.dots{fill:none;stroke:var(--c);stroke-width:5;stroke-linecap:round;opacity:.72}.dots.odd{stroke-width:3}
.scatter{display:grid;grid-template-columns:minmax(0,1fr) auto;gap:8px 28px;align-items:center}
.scatter svg{max-height:78vh}.scatter .frame{fill:none;stroke:var(--grid)}.scatter.pick .dots.on{opacity:1}
.scatter .legend{flex-direction:column}.scatter .legend span{cursor:default;padding:1px 0}
.scatter .legend span::before{width:10px;height:10px;border:0;border-radius:50%;background:var(--c);vertical-align:-.02em}
.scatter text{fill:var(--ink);font-weight:600;font-size:13.5px;text-anchor:middle;paint-order:stroke;stroke:var(--card);
stroke-width:4px;stroke-linejoin:round}
.scatter.pick .dots:not(.on),.scatter.pick text:not(.on){opacity:.08}
.sheet{display:grid;grid-template-columns:repeat(var(--columns),minmax(0,116px));gap:clamp(3px,.7vw,8px)}
.sheet+.caption{margin-top:8px}.sheet .heading{font-size:.8rem;color:var(--soft);overflow:hidden;text-overflow:ellipsis}
.caption{color:var(--soft);font-size:.88rem;margin:0 0 18px}.caption:last-child{margin-bottom:0}
img{display:block;width:100%;height:auto;border-radius:5px;background:var(--grid)}img.small{image-rendering:pixelated}
.rows{display:grid;gap:14px}
.row{display:grid;grid-template-columns:minmax(48px,96px) minmax(0,1fr);gap:clamp(10px,2.4vw,28px)}
.near{display:grid;grid-template-columns:repeat(auto-fill,minmax(clamp(44px,11vw,84px),1fr));gap:clamp(4px,.9vw,10px)}
.near .picture{border:3px solid var(--right);border-radius:8px;padding:1px}
.near .wrong .picture{border:3px dashed var(--wrong)}
.label{font-size:.76rem;line-height:1.35;color:var(--soft);margin-top:3px;overflow:hidden;text-overflow:ellipsis;
white-space:nowrap}.query .label{color:var(--ink);font-weight:600}
.wrong .label{color:var(--wrong)}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}
th{text-align:left;font-weight:600}thead th{color:var(--soft);font-size:.86rem;font-weight:500}
td,tbody th,thead th{padding:9px 14px 9px 0;border-bottom:1px solid var(--line);white-space:nowrap}
tbody tr:last-child>*{border-bottom:0}.accuracy td{width:30%;min-width:110px}
.accuracy td{background:linear-gradient(var(--bar),var(--bar)) 0 50%/calc(var(--part) - 14px) 60% no-repeat;
padding-left:8px}.accuracy tbody tr:first-child{font-weight:650}
.accuracy tbody tr:not(:first-child) th{font-weight:400}
.settings{columns:2 320px;column-gap:44px;font-size:.9rem}
.settings div{display:flex;justify-content:space-between;gap:20px;border-bottom:1px solid var(--line);padding:5px 0;
break-inside:avoid}.settings dd{text-align:right}
pre{background:var(--ground);border:1px solid var(--line);border-radius:8px;padding:12px 14px;margin:12px 0 0;
font:.86rem/1.5 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre-wrap;
overflow-wrap:anywhere}
.notes{margin:6px 0 0;padding-left:20px}
@media (max-width:560px){svg text{font-size:17px}.scatter{grid-template-columns:minmax(0,1fr)}
.scatter .dots{stroke-width:8}.scatter .legend{flex-direction:row}.scatter text{font-size:22px}}
@media print{body{background:#fff}section,.tile{box-shadow:none;break-inside:avoid}}
)css";

/// The script of a report: shows the values under the pointer and highlights one class of the scatter plot.
/// The page is complete without it.
inline constexpr std::string_view script = R"js(
for (const figure of document.querySelectorAll('figure.chart')) {
  const svg = figure.querySelector('svg'), cursor = figure.querySelector('.cursor');
  const [left, right, x0, x1, top, bottom, y0, y1] = svg.dataset.area.split(' ').map(Number);
  const curves = [...figure.querySelectorAll('.curve')].map((path, i) => ({
    points: (path.getAttribute('d').match(/[\d.-]+ [\d.-]+/g) || []).map(p => p.split(' ').map(Number)),
    output: figure.querySelectorAll('.legend output')[i]}));
  const show = value => Number(value.toPrecision(4)).toLocaleString('en');
  svg.addEventListener('pointermove', event => {
    const at = (event.clientX - svg.getBoundingClientRect().left) * svg.viewBox.baseVal.width / svg.clientWidth;
    let x = null;
    for (const {points, output} of curves) {
      if (!points.length) continue;
      const p = points.reduce((a, b) => Math.abs(b[0] - at) < Math.abs(a[0] - at) ? b : a);
      output.textContent = ' ' + show(y0 + (bottom - p[1]) / (bottom - top) * (y1 - y0)) +
        ' at ' + show(x0 + (p[0] - left) / (right - left) * (x1 - x0));
      x ??= p[0];
    }
    if (x === null) return;
    cursor.setAttribute('x1', x); cursor.setAttribute('x2', x); cursor.style.visibility = 'visible';
  });
  svg.addEventListener('pointerleave', () => {
    cursor.style.visibility = 'hidden';
    for (const {output} of curves) output.textContent = '';
  });
}
for (const scatter of document.querySelectorAll('.scatter'))
  for (const entry of scatter.querySelectorAll('.legend span')) {
    const parts = scatter.querySelectorAll('[data-class="' + entry.dataset.class + '"]');
    const pick = on => {scatter.classList.toggle('pick', on); parts.forEach(p => p.classList.toggle('on', on));};
    entry.addEventListener('pointerenter', () => pick(true));
    entry.addEventListener('pointerleave', () => pick(false));
  }
)js";

}  // namespace pretext::inline v0_1::page
