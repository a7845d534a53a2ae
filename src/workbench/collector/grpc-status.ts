/** What HTTP's statuses and gRPC's codes mean in each other's terms. */

/** By gRPC code: as gateways between the two answer. */
const HTTP_STATUS = [
  200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401,
] as const;

export const GRPC_OK = 0;
const UNKNOWN = 2;
export const INTERNAL = 13;

/** Codes end here: UNAUTHENTICATED. */
export const LAST_GRPC_STATUS = HTTP_STATUS.length - 1;

/** As the OpenTelemetry Collector has them. */
const GRPC_STATUS: Readonly<Record<number, number>> = {
  400: 3,
  401: 16,
  403: 7,
  404: 12,
  405: 12,
  408: 4,
  413: 8,
  415: 12,
  429: 8,
  500: INTERNAL,
  501: 12,
  502: 14,
  503: 14,
  504: 14,
};

export function httpStatusOf(grpcStatus: number): number {
  return HTTP_STATUS[grpcStatus] ?? HTTP_STATUS[UNKNOWN];
}

export function grpcStatusOf(status: number): number {
  if (status < 300) return GRPC_OK;
  return GRPC_STATUS[status] ?? UNKNOWN;
}
