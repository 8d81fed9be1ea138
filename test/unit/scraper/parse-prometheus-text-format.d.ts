declare module "parse-prometheus-text-format" {
  interface Metric {
    readonly labels?: Readonly<Record<string, string>>;
    readonly value: string;
    readonly timestamp_ms?: string;
  }
  export default function parsePrometheusTextFormat(
    text: string,
  ): readonly { readonly name: string; readonly metrics: readonly Metric[] }[];
}
