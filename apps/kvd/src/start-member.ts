// Starts a member: listeners, data directory, server, in etcd's order, so that the same fault gives the
// same first message. Spec: server-flags.md §5, cluster.md §3.

import { clientHandler, createServer, KeyMetrics, systemClock, withCors } from "@kv/server";
import type { EtcdServer } from "@kv/server";
import { Certificates } from "./certificates.ts";
import { checkInitialCluster } from "./config.ts";
import type { KvdConfig } from "./config.ts";
import { ensureWritable } from "./data-dir.ts";
import { withDiscoveredCluster, withSrvCluster } from "./first-members.ts";
import { lateHandler, Listeners } from "./listeners.ts";
import type { RootLogger } from "./logger.ts";
import { processView } from "./process-view.ts";
import type { TlsFiles, TlsKind } from "./tls.ts";

/** A member that serves. Owns the server and all sockets. */
export interface RunningMember {
  readonly server: EtcdServer;
  /** Stops serving; resolves when the data directory is free again. May be called twice. */
  close(): Promise<void>;
}

/**
 * Starts the member and begins to serve.
 *
 * @throws {KvdError | StartError} why it cannot; everything opened before is closed again. A code that
 *   begins with `E_DISCOVERY` tells what became of the discovery token.
 */
export async function startMember(config: KvdConfig, logger: RootLogger): Promise<RunningMember> {
  const log = logger.child({ pkg: "etcdmain" });
  checkInitialCluster(config.server.initialCluster);
  const known = await withSrvCluster(config, logger);

  const peers = new Listeners("peers", config.httpEngine, log);
  const clients = new Listeners("client requests", config.httpEngine, log);
  const [forPeers, forClients] = [lateHandler(), lateHandler()];
  const certificates: Certificates[] = [];
  const open = async (kind: TlsKind, files: TlsFiles, urls: readonly string[]): Promise<Certificates> => {
    const opened = await Certificates.open(kind, files, urls, { logger: log, clock: systemClock });
    certificates.push(opened);
    return opened;
  };
  try {
    const peerTls = await open("peer", config.peerTls, config.listenPeerUrls);
    await peers.listen(config.listenPeerUrls, forPeers.handle, peerTls.listen);
    peerTls.watch((tls) => peers.useCertificates(tls));
    const clientTls = await open("client", config.clientTls, config.listenClientUrls);
    await clients.listen(config.listenClientUrls, forClients.handle, clientTls.listen);
    clientTls.watch((tls) => clients.useCertificates(tls));
    await ensureWritable(config.server.dataDir);

    const server = await createServer(
      { ...(await withDiscoveredCluster(known, config, logger)), peerTls: peerTls.dial },
      { logger },
    );
    forPeers.serve(server.peerHandler);
    const metrics = new KeyMetrics();
    const handler = clientHandler(server, {
      now: () => systemClock.unixNanos(),
      logger: logger.child({ pkg: "etcdhttp" }),
      process: processView(logger, { server, keys: metrics }),
      metrics,
    });
    forClients.serve(withCors(handler, config.cors));
    return {
      server,
      async close() {
        // The server first answers who waits for it; then the connections are cut.
        for (const one of certificates) one.close();
        await server.close();
        await Promise.all([clients.close(), peers.close()]);
      },
    };
  } catch (error) {
    for (const one of certificates) one.close();
    clients.announceClose();
    peers.announceClose();
    await Promise.all([clients.close(), peers.close()]);
    throw error;
  }
}
