// A coding tool's telemetry on Node: `node telemetry.mjs MODULES WHAT`, where MODULES holds OpenTelemetry's packages and
// WHAT is JSON: {protocol, events, counters}. Where to send it, and with what headers, its exporters read from the
// environment. It writes on a line what each export came to.
import { createRequire } from "node:module";

const require = createRequire(`${process.argv[2]}/node_modules/`);
const { protocol, events, counters } = JSON.parse(process.argv[3]);
const { LoggerProvider, SimpleLogRecordProcessor } = require("@opentelemetry/sdk-logs");
const { MeterProvider, PeriodicExportingMetricReader } = require("@opentelemetry/sdk-metrics");
const { OTLPLogExporter } = require(`@opentelemetry/exporter-logs-otlp-${protocol === "http/json" ? "http" : "proto"}`);
const { OTLPMetricExporter } = require("@opentelemetry/exporter-metrics-otlp-http");

// Say what became of every export of an exporter.
function told(exporter) {
  const send = exporter.export.bind(exporter);
  exporter.export = (items, done) =>
    send(items, (result) => {
      console.log(result.code === 0 ? "taken" : `refused: ${result.error?.message}`);
      done(result);
    });
  return exporter;
}

const logs = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter: told(new OTLPLogExporter()) })] });
for (const { body, attributes } of events) logs.getLogger("com.anthropic.claude_code.events").emit({ body, attributes });
await logs.forceFlush();
const reader = new PeriodicExportingMetricReader({ exporter: told(new OTLPMetricExporter()), exportIntervalMillis: 1e8 });
const meter = new MeterProvider({ readers: [reader] }).getMeter("com.anthropic.claude_code");
for (const round of counters) {
  for (const { name, value, attributes } of round) meter.createCounter(name).add(value, attributes);
  await reader.forceFlush();
}
await Promise.all([logs.shutdown(), reader.shutdown()]);
