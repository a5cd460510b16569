"""The Jinja template of a table's HTML page."""

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Table {{ report.number }} · {{ report.results }} · vistok</title>
<style>
:root { --ink: #1d2330; --soft: #5b6475; --line: #d9dee7; --band: #f4f6fa; --ours: #1f5fbf; --blind: #b3361e;
  --paper: #fff; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.2rem 1rem 3rem; max-width: 1240px; background: var(--paper);
  color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.25rem; line-height: 1.3; margin: 0 0 .6rem; }
h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
.banner { border-left: 4px solid #d9930d; background: #fff6e0; padding: .6rem .8rem; margin: .8rem 0; }
.box { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; }
table { border-collapse: separate; border-spacing: 0; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .4rem .6rem; text-align: right; vertical-align: top; border-bottom: 1px solid var(--line); }
thead th { background: var(--band); font-size: .82rem; vertical-align: bottom; white-space: nowrap; }
thead th span, .labels { display: block; font-weight: 400; font-size: .74rem; color: var(--soft); }
th:first-child { position: sticky; left: 0; z-index: 1; text-align: left; background: var(--paper);
  font-weight: 600; min-width: 8.6rem; max-width: 13rem; border-right: 1px solid var(--line); }
thead th:first-child { background: var(--band); white-space: normal; }
tbody tr:last-child > *, tfoot tr:last-child > * { border-bottom: 0; }
tr.group > * { border-top: 2px solid var(--soft); }
tfoot td, tfoot th:first-child { background: var(--band); font-weight: 400; }
tfoot tr:first-child > * { border-top: 2px solid var(--soft); }
.flat .labels { display: inline; margin-left: .3em; }
.flat th, .flat td { vertical-align: baseline; }
.ours { font-size: 1.05rem; }
.best { font-weight: 700; }
.second { text-decoration: underline; text-underline-offset: 2px; text-decoration-thickness: 1.5px; }
.mark { color: var(--blind); }
.small { display: block; font-size: .74rem; line-height: 1.45; color: var(--soft); white-space: nowrap; }
.below { background: #fdf1ee; }
svg { display: block; margin: .25rem 0 .1rem auto; width: 84px; height: 12px; }
.key { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; margin: .6rem 0 0; padding: 0; list-style: none;
  font-size: .82rem; color: var(--soft); }
.key svg { display: inline-block; margin: 0; vertical-align: -2px; width: 18px; }
.notes { font-size: .84rem; padding-left: 1.1rem; }
.notes li { margin: .3rem 0; overflow-wrap: anywhere; }
.footnote { font-size: .84rem; margin: .5rem 0 0; }
code { font: .92em ui-monospace, "DejaVu Sans Mono", monospace; background: var(--band); padding: 0 .2em; }
@media (max-width: 600px) {
  body { padding: .8rem .6rem 2rem; }
  th, td { padding: .35rem .45rem; }
  th:first-child { min-width: 6.6rem; max-width: 7.4rem; font-size: .84rem; }
}
@media print {
  @page { size: A4 landscape; margin: 10mm; }
  html { font-size: 10px; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { max-width: none; padding: 0; font-size: 10px; }
  tfoot { display: table-row-group; }
  .box { overflow: visible; border: 0; }
  th:first-child { position: static; }
  th, td { padding: .15rem .35rem; }
  tr, li { break-inside: avoid; }
  svg { width: 64px; }
}
</style>
</head>
<body>
{% macro picture(bar) %}
<svg viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">
<rect x="0" y="5.5" width="100" height="1" fill="#d9dee7"/>
{% if bar.low is not none %}
<rect x="{{ bar.low }}" y="4" width="{{ bar.spread }}" height="4" fill="#9dbce8"/>
{% endif %}
{% if bar.blind is not none %}
<rect x="{{ bar.blind }}" y="0" width="1.6" height="12" fill="#b3361e"/>
{% endif %}
{% if bar.published is not none %}
<rect x="{{ bar.published }}" y="1" width="2.4" height="10" fill="#fff" stroke="#5b6475" stroke-width="0.9"/>
{% endif %}
{% if bar.ours is not none %}
<rect x="{{ bar.ours }}" y="1" width="2.4" height="10" fill="#1f5fbf"/>
{% endif %}
</svg>
{% endmacro %}
{% macro raised(marks) %}
{% for mark in marks %}<sup><a href="#audit-{{ mark }}">{{ mark }}</a>{{ "," if not loop.last }}</sup>{% endfor %}
{% endmacro %}
{% macro heading() %}
<th scope="col">{{ report.labels[report.main_label] }}
<span>{{ report.side_labels(report.labels) }}</span></th>
{% endmacro %}
{% macro name(row, whole) %}
{% set title = row.labels[report.main_label] | cited %}
<th scope="row">{{ title[0] }}{% if row.mark %}<sup>{{ row.mark }}</sup>{% endif %}

{% if whole and title[1] %}
<span class="labels">{{ title[1] }}</span>
{% endif %}
<span class="labels">{{ report.side_labels(row.labels) }}</span></th>
{% endmacro %}
<h1>{{ report.title }}</h1>
{% if report.banner %}
<p class="banner">{{ report.banner | prose }}</p>
{% endif %}
<div class="box">
<table>
<thead>
<tr>
{{ heading() }}
{% for column in report.columns %}
<th scope="col">{{ column.title }}{{ raised(column.audit) }}<span>{{ column.measure }}</span>
{%- if column.count_text %}<span>{{ column.count_text }}</span>{% endif %}</th>
{% endfor %}
</tr>
</thead>
<tbody>
{% for row in report.rows %}
<tr{% if loop.index0 in report.group_starts %} class="group"{% endif %}>
{{ name(row, true) }}
{% set pictures = bars[loop.index0] %}
{% for cell in row.cells %}
<td{% if cell.beats_blind is false %} class="below"{% endif %}>
<span class="ours {{ ranks[cell.ours_rank] }}">{{ cell.ours_text }}</span>
{%- if cell.beats_blind is false %} <span class="mark">{{ beaten }}</span>{% endif %}

<span class="small">pub. <span class="{{ ranks[cell.published_rank] }}">{{ cell.published_text }}</span>
{{- raised(cell.audit) }}
{%- if cell.difference_text %}, {{ cell.difference_text }}{% endif %}</span>
{% if cell.interval_text %}
<span class="small">{{ cell.interval_text }}</span>
{% endif %}
{{ picture(pictures[loop.index0]) }}
</td>
{% endfor %}
</tr>
{% endfor %}
</tbody>
<tfoot>
{% for baseline in report.baselines %}
<tr>
<th scope="row">{{ baseline.title }}</th>
{% for text in report.texts(baseline) %}
<td>{{ text }}{% if baseline.best[loop.index0] %} <span class="mark">{{ bar_mark }}</span>{% endif %}</td>
{% endfor %}
</tr>
{% endfor %}
</tfoot>
</table>
</div>
<ul class="key">
<li>In each cell: ours; published, difference; [95 % interval of ours]</li>
<li><svg viewBox="0 0 18 12"><rect x="7" y="1" width="3" height="10" fill="#1f5fbf"/></svg> ours</li>
<li><svg viewBox="0 0 18 12"><rect x="1" y="4" width="16" height="4" fill="#9dbce8"/></svg> its interval</li>
<li><svg viewBox="0 0 18 12"><rect x="7" y="1" width="3" height="10" fill="#fff" stroke="#5b6475"/></svg>
published</li>
<li><svg viewBox="0 0 18 12"><rect x="8" y="0" width="2" height="12" fill="#b3361e"/></svg> best blind
baseline</li>
<li><span class="mark">{{ beaten }}</span> and a tinted cell: does not exceed it</li>
</ul>
{% for mark, text in report.footnotes.items() %}
<p class="footnote"><sup>{{ mark }}</sup> {{ text | prose }}</p>
{% endfor %}
{% for note in report.audit %}
<p class="footnote" id="audit-{{ note.mark }}"><sup>{{ note.mark }}</sup> Audit: {{ note.title }}
(<a href="../audit.html#{{ note.anchor }}">{{ note.anchor }}</a>).</p>
{% endfor %}
{% if report.protocol_columns %}
<h2>The same answers under every scorer</h2>
<div class="box">
<table class="flat">
<thead>
<tr>
{{ heading() }}
{% for place, protocol in report.protocol_columns %}
<th scope="col">{{ report.columns[place].title }}<span>{{ protocol }}</span></th>
{% endfor %}
</tr>
</thead>
<tbody>
{% for row in report.rows %}
<tr{% if loop.index0 in report.group_starts %} class="group"{% endif %}>
{{ name(row, false) }}
{% for text in report.protocol_texts(row) %}
<td>{{ text }}</td>
{% endfor %}
</tr>
{% endfor %}
</tbody>
<tfoot>
{% for baseline in report.baselines %}
<tr>
<th scope="row">{{ baseline.title }}</th>
{% for text in report.protocol_texts(baseline) %}
<td>{{ text }}</td>
{% endfor %}
</tr>
{% endfor %}
</tfoot>
</table>
</div>
{% endif %}
<h2>Notes</h2>
<ul class="notes">
{% for note in report.notes %}
<li>{{ note | prose }}</li>
{% endfor %}
</ul>
</body>
</html>
"""
