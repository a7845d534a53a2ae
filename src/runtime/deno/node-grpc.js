export { nodeGrpcTransport } from '../node/grpc-transport.ts';
