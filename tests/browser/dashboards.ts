// What a dashboard of ours may be: Grafana's own generated types, with each panel's options and field options put in.
import {
  AnnotationQuery, Dashboard, DataSourceRef, FieldConfig, FieldConfigSource, Panel, VariableModel,
} from './node_modules/@grafana/schema/dist/types/raw/dashboard/x/types.gen';
import * as barchart from './node_modules/@grafana/schema/dist/types/raw/composable/barchart/panelcfg/x/types.gen';
import * as gauge from './node_modules/@grafana/schema/dist/types/raw/composable/gauge/panelcfg/x/types.gen';
import * as heatmap from './node_modules/@grafana/schema/dist/types/raw/composable/heatmap/panelcfg/x/types.gen';
import * as histogram from './node_modules/@grafana/schema/dist/types/raw/composable/histogram/panelcfg/x/types.gen';
import * as stat from './node_modules/@grafana/schema/dist/types/raw/composable/stat/panelcfg/x/types.gen';
import * as statetimeline from './node_modules/@grafana/schema/dist/types/raw/composable/statetimeline/panelcfg/x/types.gen';
import * as table from './node_modules/@grafana/schema/dist/types/raw/composable/table/panelcfg/x/types.gen';
import * as timeseries from './node_modules/@grafana/schema/dist/types/raw/composable/timeseries/panelcfg/x/types.gen';
import { TableFieldOptions } from '@grafana/schema';

// The query of the PostgreSQL datasource, from its public documentation: the package has no type for it.
interface Query {
  refId: string;
  datasource: DataSourceRef;
  editorMode: 'code';
  format: 'table' | 'time_series';
  rawQuery: true;
  rawSql: string;
}
interface Fields<F> extends Omit<FieldConfig, 'custom'> { custom?: Partial<F>; }
interface Source<F> extends Omit<FieldConfigSource, 'defaults'> { defaults: Fields<F>; }
interface Base extends Omit<Panel, 'type' | 'options' | 'fieldConfig' | 'targets'> { targets: Query[]; }
interface BarChart extends Base { type: 'barchart'; options: Partial<barchart.Options>; fieldConfig: Source<barchart.FieldConfig>; }
interface Gauge extends Base { type: 'gauge'; options: Partial<gauge.Options>; fieldConfig: Source<{}>; }
interface Heatmap extends Base { type: 'heatmap'; options: Partial<heatmap.Options>; fieldConfig: Source<heatmap.FieldConfig>; }
interface Histogram extends Base { type: 'histogram'; options: Partial<histogram.Options>; fieldConfig: Source<histogram.FieldConfig>; }
interface Stat extends Base { type: 'stat'; options: Partial<stat.Options>; fieldConfig: Source<{}>; }
interface StateTimeline extends Base { type: 'state-timeline'; options: Partial<statetimeline.Options>; fieldConfig: Source<statetimeline.FieldConfig>; }
interface Table extends Base { type: 'table'; options: Partial<table.Options>; fieldConfig: Source<TableFieldOptions>; }
interface TimeSeries extends Base { type: 'timeseries'; options: Partial<timeseries.Options>; fieldConfig: Source<timeseries.FieldConfig>; }
interface Annotation extends Omit<AnnotationQuery, 'target'> { target: Query; }
export interface OurDashboard extends Omit<Dashboard, 'panels' | 'annotations'> {
  panels: Array<BarChart | Gauge | Heatmap | Histogram | Stat | StateTimeline | Table | TimeSeries>;
  annotations?: { list?: Annotation[] };
}
