// Draws a dashboard from its JSON and the frames of its queries, with Grafana's own theme, formats and components.
// Time series, stats, tables and panel frames are Grafana's components; what its package does not export (gauge, bar
// chart, histogram, heat map, state timeline) is drawn here with its theme, colours and number formats.
import React from 'react';
import { createRoot } from 'react-dom/client';
import {
  createDataFrame, createTheme, dateTime, FieldType, formattedValueToString, getDisplayProcessor
} from '@grafana/data';
import { initPluginTranslations } from '@grafana/i18n';
import { BigValue, GlobalStyles, PanelChrome, ThemeContext, TimeSeries, VizLegend } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';

let board, panels, chosen, from, to, note, range;
const theme = createTheme({ colors: { mode: 'light' } });
const WIDTH = 1600, ROW = 30, GAP = 8, PADDING = 16;
const TIME_SERIES = {
  drawStyle: 'line', lineWidth: 1, fillOpacity: 0, pointSize: 5, showPoints: 'auto', spanNulls: false, barAlignment: 0,
  axisPlacement: 'auto', gradientMode: 'none', lineInterpolation: 'linear', scaleDistribution: { type: 'linear' },
  hideFrom: { legend: false, viz: false, tooltip: false }, stacking: { mode: 'none', group: 'A' }, thresholdsStyle: { mode: 'off' },
};
const PALETTE = ['blue', 'purple', 'orange', 'semi-dark-blue', 'light-purple', 'dark-orange', 'super-light-blue'];

function put(config, path, value) {
  const names = path.split('.');
  const last = names.pop();
  let place = config;
  for (const name of names) place = place[name] = { ...(place[name] ?? {}) };
  place[last] = value;
}

// What a panel's options and overrides make of a field, as Grafana's panels do it.
function fieldOf(column, panel, index) {
  const { defaults, overrides } = panel.fieldConfig;
  const config = { ...defaults, custom: { ...(panel.type === 'timeseries' ? TIME_SERIES : {}), ...(defaults.custom ?? {}) } };
  for (const override of overrides) {
    if (override.matcher.id === 'byRegexp' || override.matcher.options === column.name) {
      for (const { id, value } of override.properties) put(config, id, value);
    }
  }
  if (config.thresholds) {
    const steps = config.thresholds.steps.map((step) => ({ ...step, value: step.value ?? -Infinity }));
    config.thresholds = { ...config.thresholds, steps };
  }
  if (column.type === 'time' && config.unit !== 'dateTimeAsIso') delete config.unit;
  const field = { name: column.name, type: column.type, config, values: column.values, state: { seriesIndex: index } };
  if (column.type === 'string' && config.unit !== 'dateTimeAsIso') delete config.unit;
  field.display = getDisplayProcessor({ field, theme, timeZone: 'utc' });
  field.state.displayName = column.name;
  return field;
}

const frameOf = (frame, panel) => {
  const made = createDataFrame({ refId: frame.refId, fields: [] });
  made.fields = frame.columns.map((column, index) => fieldOf(column, panel, index - 1));
  made.length = frame.columns[0]?.values.length ?? 0;
  return made;
};
const textOf = (field, value) => formattedValueToString(field.display(value));
const colourOf = (name) => theme.visualization.getColorByName(name);
const fixed = (field, index) => colourOf(field.config.color?.fixedColor ?? PALETTE[index % PALETTE.length]);

function Figures({ panel, frame, width, height }) {
  const { values, fields } = panel.options.reduceOptions;
  const shown = [];
  if (values) {
    const [label, figure] = frame.fields;
    for (let row = 0; row < frame.length; row++) shown.push({ ...figure.display(figure.values[row]), title: label.values[row] });
  } else {
    for (const field of frame.fields) {
      const known = field.values.filter((value) => value !== null);
      shown.push({ ...field.display(known.at(-1) ?? null), title: field.name });
    }
  }
  const level = panel.options.orientation === 'horizontal';
  const [w, h] = level ? [width, height / shown.length] : [width / shown.length, height];
  return (
    <div style={{ display: 'flex', flexDirection: level ? 'column' : 'row' }}>
      {shown.map((value, index) => (
        <BigValue key={index} value={value} width={w - 4} height={h - 4} theme={theme} colorMode={panel.options.colorMode}
          graphMode="none" justifyMode="auto" textMode="value_and_name" text={panel.options.text} />
      ))}
    </div>
  );
}

function Gauge({ panel, frame, width, height }) {
  const [label, figure] = frame.fields;
  const value = figure.values[0];
  const shown = figure.display(value);
  const { min, max } = figure.config;
  const turn = (share) => Math.PI * (1 - Math.min(Math.max(share, 0), 1));
  const radius = Math.min(width / 2 - 20, height - 60), x0 = width / 2, y0 = height - 44;
  const arc = (a, b, r) => {
    const [x1, y1, x2, y2] = [x0 + r * Math.cos(a), y0 - r * Math.sin(a), x0 + r * Math.cos(b), y0 - r * Math.sin(b)];
    return `M ${x1} ${y1} A ${r} ${r} 0 0 1 ${x2} ${y2}`;
  };
  const steps = figure.config.thresholds.steps;
  return (
    <svg width={width} height={height}>
      {steps.map((step, index) => {
        const begin = Math.max((step.value - min) / (max - min), 0), end = ((steps[index + 1]?.value ?? max) - min) / (max - min);
        return <path key={index} d={arc(turn(begin), turn(end), radius)} stroke={colourOf(step.color)} strokeWidth={4} fill="none" />;
      })}
      <path d={arc(Math.PI, 0, radius - 14)} stroke={theme.colors.background.secondary} strokeWidth={20} fill="none" />
      {value !== null && (
        <path d={arc(Math.PI, turn((value - min) / (max - min)), radius - 14)} stroke={shown.color} strokeWidth={20} fill="none" />
      )}
      <text x={x0} y={y0 - 6} textAnchor="middle" fontSize={value === null ? 16 : 30} fontWeight={500} fill={value === null ? theme.colors.text.secondary : shown.color}>
        {value === null ? figure.config.noValue : formattedValueToString(shown)}
      </text>
      <text x={x0} y={height - 12} textAnchor="middle" fontSize={14} fill={theme.colors.text.primary}>{label.values[0]}</text>
    </svg>
  );
}

const legendOf = (fields) => fields.map((field, index) => ({ label: field.name, color: fixed(field, index), yAxis: 1 }));
const Legend = ({ items }) => <VizLegend items={items} displayMode="list" placement="bottom" />;

function Bars({ panel, frame, width, height }) {
  const [category, ...fields] = frame.fields;
  const stacked = panel.options.stacking === 'normal';
  const bare = fields.length === 1;
  const lines = Math.ceil((fields.length * 92) / width); // of the legend
  const room = height - (stacked ? 4 + lines * 24 : 0), rows = frame.length;
  const totals = Array.from({ length: rows }, (_, row) => stacked ? fields.reduce((sum, field) => sum + (field.values[row] ?? 0), 0) : Math.max(...fields.map((field) => field.values[row] ?? 0)));
  const most = panel.fieldConfig.defaults.max ?? Math.max(...totals, 0);
  const left = Math.min(Math.max(...category.values.map((word) => String(word).length)) * 7.2 + 12, width * 0.6);
  const each = Math.min(room / rows, 44), bar = each * 0.7, scale = (width - left - 90) / (most || 1);
  const colour = (field, value, index) => panel.fieldConfig.defaults.color?.mode === 'thresholds' ? field.display(value).color : fixed(field, index);
  return (
    <div>
      <svg width={width} height={room} fontSize={13} fill={theme.colors.text.primary}>
        {category.values.map((word, row) => {
          let x = left;
          const y = row * each + (each - bar) / 2;
          return (
            <g key={row}>
              <text x={left - 8} y={y + bar / 2 + 4} textAnchor="end">{word}</text>
              {fields.map((field, index) => {
                const value = field.values[row];
                const w = (value ?? 0) * scale, at = x;
                x += w;
                return (
                  <g key={index}>
                    <rect x={at} y={y} width={w} height={bar} fill={colour(field, value, index)} fillOpacity={0.8} />
                    {stacked && w > 22 && <text x={at + w / 2} y={y + bar / 2 + 4} textAnchor="middle" fill="#fff">{textOf(field, value)}</text>}
                    {bare && <text x={at + w + 6} y={y + bar / 2 + 4}>{value === null ? field.config.noValue : textOf(field, value)}</text>}
                  </g>
                );
              })}
            </g>
          );
        })}
      </svg>
      {stacked && <Legend items={legendOf(fields)} />}
    </div>
  );
}

function Histogram({ panel, frame, width, height }) {
  const [low, high, ...fields] = frame.fields;
  const legend = panel.options.legend?.showLegend ? 28 : 0;
  const room = height - legend - 24, left = 46;
  const counts = low.values.map((_, row) => fields.reduce((sum, field) => sum + (field.values[row] ?? 0), 0));
  const most = Math.max(...counts);
  const logarithmic = low.values[0] > 0; // linear buckets of ours begin at zero
  const place = logarithmic ? Math.log10 : (value) => value;
  const first = place(low.values[0]), last = place(high.values.at(-1));
  const x = (value) => left + ((place(value) - first) / (last - first)) * (width - left - 14);
  const unit = getDisplayProcessor({ field: { type: FieldType.number, config: { unit: panel.fieldConfig.defaults.unit } }, theme });
  const every = Math.ceil(low.values.length / 9);
  return (
    <div>
      <svg width={width} height={room + 24} fontSize={12} fill={theme.colors.text.secondary}>
        {[0, 0.5, 1].map((share) => (
          <g key={share}>
            <line x1={left} x2={width} y1={room - share * (room - 10)} y2={room - share * (room - 10)} stroke={theme.colors.border.weak} />
            <text x={left - 6} y={room - share * (room - 10) + 4} textAnchor="end">{textOf(fields[0], Math.round(most * share))}</text>
          </g>
        ))}
        {low.values.map((value, row) => {
          let y = room;
          return fields.map((field, index) => {
            const h = ((field.values[row] ?? 0) / most) * (room - 10);
            y -= h;
            return <rect key={`${row} ${index}`} x={x(value) + 1} y={y} width={Math.max(x(high.values[row]) - x(value) - 2, 1)} height={h} fill={fixed(field, index)} fillOpacity={0.75} />;
          });
        })}
        {[...low.values, high.values.at(-1)].map((value, row) => row % every === 0 && (
          <text key={row} x={x(value)} y={room + 16} textAnchor="middle">{formattedValueToString(unit(value))}</text>
        ))}
      </svg>
      {legend > 0 && <Legend items={legendOf(fields)} />}
    </div>
  );
}

const timeText = (instant) => new Date(instant).toISOString().slice(5, 10).replace('-', '/');
function TimeAxis({ left, width, y }) {
  const ticks = 6;
  return Array.from({ length: ticks }, (_, index) => {
    const share = (index + 0.5) / ticks;
    return <text key={index} x={left + share * (width - left)} y={y} textAnchor="middle">{timeText(from + share * (to - from))}</text>;
  });
}

function Heat({ panel, frame, width, height }) {
  const [time, ...fields] = frame.fields;
  const left = 64, room = height - 22, each = room / fields.length;
  const cells = fields.flatMap((field) => field.values);
  const most = Math.max(...cells), step = 3600000;
  const x = (instant) => left + ((instant - from) / (to - from)) * (width - left);
  const unit = getDisplayProcessor({ field: { type: FieldType.number, config: { unit: panel.options.yAxis.unit } }, theme });
  return (
    <svg width={width} height={height} fontSize={11} fill={theme.colors.text.secondary}>
      {fields.map((field, index) => (
        <g key={index}>
          <text x={left - 6} y={room - index * each - each / 2 + 4} textAnchor="end">{formattedValueToString(unit(Number(field.name)))}</text>
          {field.values.map((value, row) => value > 0 && (
            <rect key={row} x={x(time.values[row])} y={room - (index + 1) * each} width={Math.max((step / (to - from)) * (width - left), 1)} height={each - 1}
              fill={colourOf(panel.options.color.fill)} fillOpacity={0.12 + 0.88 * Math.sqrt(value / most)} />
          ))}
        </g>
      ))}
      <TimeAxis left={left} width={width} y={height - 6} />
    </svg>
  );
}

function States({ panel, frame, width, height }) {
  const [time, ...fields] = frame.fields;
  const known = fields.filter((field) => field.values.some((value) => value !== null));
  const left = 130, room = height - 50, each = room / known.length;
  const x = (instant) => left + ((Math.max(instant, from) - from) / (to - from)) * (width - left);
  const words = Object.entries(panel.fieldConfig.defaults.mappings[0].options);
  return (
    <div>
      <svg width={width} height={room + 20} fontSize={11} fill={theme.colors.text.secondary}>
        {known.map((field, index) => (
          <g key={index}>
            <text x={left - 6} y={index * each + each / 2 + 4} textAnchor="end">{field.name}</text>
            {field.values.map((value, row) => value !== null && (
              <rect key={row} x={x(time.values[row])} y={index * each + 1} height={each - 2} width={Math.max(x(time.values[row + 1] ?? to) - x(time.values[row]), 1)} fill={field.display(value).color} />
            ))}
          </g>
        ))}
        <TimeAxis left={left} width={width} y={room + 15} />
      </svg>
      <Legend items={words.map(([, word]) => ({ label: word.text, color: colourOf(word.color), yAxis: 1 }))} />
    </div>
  );
}

function Rows({ panel, frame, width, height }) {
  const linked = panel.fieldConfig.overrides.filter((each) => each.properties.some(({ id }) => id === 'links'));
  const names = new Set(linked.map((each) => each.matcher.options));
  for (const field of frame.fields) {
    field.config.custom = { align: 'auto', cellOptions: { type: 'auto' }, ...field.config.custom };
    if (names.has(field.name)) field.getLinks = () => [{ href: '#', title: '', target: '_self', origin: field }];
  }
  return <TableNG data={frame} width={width} height={height} cellHeight="sm" fieldConfig={panel.fieldConfig} structureRev={1} enableVirtualization={false} />;
}

function Lines({ panel, frames, width, height }) {
  return <TimeSeries frames={frames} structureRev={1} timeRange={range} timeZone="utc" width={width} height={height} legend={panel.options.legend} options={panel.options} />;
}

const KINDS = { barchart: Bars, gauge: Gauge, heatmap: Heat, histogram: Histogram, stat: Figures, 'state-timeline': States, table: Rows, timeseries: Lines };

class Guard extends React.Component {
  state = {};
  static getDerivedStateFromError = (error) => ({ error });
  render = () => this.state.error ? <div data-broken>{String(this.state.error)}</div> : this.props.children;
}

function Panel({ panel, frames }) {
  const { x, y, w, h } = panel.gridPos;
  const column = (WIDTH - 2 * PADDING + GAP) / 24;
  const place = { left: PADDING + x * column, top: 92 + y * (ROW + GAP), width: w * column - GAP, height: h * (ROW + GAP) - GAP };
  const Kind = KINDS[panel.type];
  const isEmpty = frames.every((frame) => !frame.columns.some((each) => each.values.length));
  return (
    <div data-panel={panel.title} data-empty={isEmpty} style={{ position: 'absolute', ...place }}>
      <PanelChrome title={panel.title} description={panel.description} width={place.width} height={place.height}>
        {(width, height) => isEmpty
          ? <div data-reason style={{ height, display: 'grid', placeItems: 'center', color: theme.colors.text.secondary, fontSize: 16 }}>{panel.fieldConfig.defaults.noValue}</div>
          : <Guard><Kind panel={panel} frame={frameOf(frames.find((each) => each.columns.length) ?? frames[0], panel)} frames={frames.filter((each) => each.columns.length).map((each) => frameOf(each, panel))} width={width} height={height} /></Guard>}
      </PanelChrome>
    </div>
  );
}

function Chip({ name, value }) {
  return <span style={{ border: `1px solid ${theme.colors.border.medium}`, borderRadius: 4, padding: '4px 10px', marginRight: 8, background: theme.colors.background.primary }}><b>{name}</b> {value}</span>;
}

function Preview({ id }) {
  const bottom = Math.max(...board.panels.map(({ gridPos }) => gridPos.y + gridPos.h));
  const day = (instant) => new Date(instant).toISOString().slice(0, 16).replace('T', ' ');
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <div id="board" data-drawn={id} style={{ position: 'relative', width: WIDTH, height: 92 + bottom * (ROW + GAP) + PADDING, background: theme.colors.background.canvas, fontFamily: theme.typography.fontFamily, color: theme.colors.text.primary }}>
        <div style={{ padding: '12px 16px 0', display: 'flex', justifyContent: 'space-between' }}>
          <span style={{ fontSize: 20, fontWeight: 500 }}>{board.title}</span>
          <span style={{ fontSize: 13 }}>{day(from)} to {day(to)} UTC · {note}</span>
        </div>
        <div style={{ padding: '10px 16px', fontSize: 13 }}>{chosen.map(([name, value]) => <Chip key={name} name={name} value={value} />)}</div>
        {board.panels.map((panel) => <Panel key={panel.id} panel={panel} frames={panels[panel.id]} />)}
      </div>
    </ThemeContext.Provider>
  );
}

// One page draws every dashboard: reading Grafana's components takes longer than drawing with them.
const root = createRoot(document.getElementById('root'));
let drawn = 0;
window.draw = async (preview) => {
  await initPluginTranslations('preview').catch(() => {});
  ({ board, panels, chosen, from, to, note } = preview);
  range = { from: dateTime(from), to: dateTime(to), raw: { from: dateTime(from), to: dateTime(to) } };
  root.render(<Preview key={++drawn} id={drawn} />);
  return drawn;
};
