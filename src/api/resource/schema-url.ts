/** Schema of the conventions whose attribute names our detectors use. */
export const SCHEMA_URL = 'https://opentelemetry.io/schemas/1.45.0';
