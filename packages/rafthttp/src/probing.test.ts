import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { parseNodeId } from "@kv/raft/codec";
import { expect, test } from "vitest";
import { createDispatcher } from "./dispatcher.ts";
import { WarningLimiter } from "./log.ts";
import {
  CLUSTER,
  Happenings,
  ManualClock,
  portOf,
  RecordingReceiver,
  recordingLogger,
} from "./member.test.support.ts";
import { probeAnswer, Prober } from "./probing.ts";
import { UrlPicker } from "./url-picker.ts";

const PEER = parseNodeId("b");
const INTERVAL_MS = 4_000;

test("a peer is asked every 4 s, and a healthy one is not worth a line", async () => {
  await using probe = await setUp((_, response) => response.end(probeAnswer(probe.clock.unixMs())));

  for (let i = 1; i <= 3; i++) {
    probe.clock.advance(INTERVAL_MS);
    await probe.happenings.until(/^debug probed peer/, i);
  }

  expect(probe.happenings.count(/^warn/)).toBe(0);
});

test("a clock that is more than 1 s off is warned of", async () => {
  await using probe = await setUp((_, response) => response.end(probeAnswer(probe.clock.unixMs() - 1_001)));

  probe.clock.advance(INTERVAL_MS);

  await probe.happenings.until(/^warn clock difference to peer is too high .*"differenceMs":-1001/);
});

test("the nanoseconds of a 2.3.8 answer are understood", async () => {
  await using probe = await setUp((_, response) =>
    response.end('{"OK":true,"Now":"2026-11-22T11:24:38.916568928Z"}\n'),
  );

  probe.clock.advance(INTERVAL_MS);

  await probe.happenings.until(/^warn clock difference/);
});

test("an old peer that knows no probing is left alone", async () => {
  await using probe = await setUp((_, response) => {
    response.statusCode = 404;
    response.end("404 page not found\n");
  });

  for (let i = 1; i <= 2; i++) {
    probe.clock.advance(INTERVAL_MS);
    await probe.happenings.until(/^debug probed peer/, i);
  }

  expect(probe.happenings.count(/^warn/)).toBe(0);
});

test.each(["", "{}", '{"OK":false,"Now":"x"}', '{"OK":true,"Now":"yesterday"}', "x".repeat(5_000)])(
  "a peer that answers %j is unhealthy, said once a minute",
  async (body) => {
    await using probe = await setUp((_, response) => response.end(body));

    probe.clock.advance(INTERVAL_MS);
    await probe.happenings.until(/^warn peer is unhealthy .*"suppressedCount":0/);
    for (let i = 2; i <= 16; i++) {
      probe.clock.advance(INTERVAL_MS);
      await probe.happenings.until(/^debug probed peer/, i);
    }

    // The sixteenth probe comes one minute after the first one.
    await probe.happenings.until(/^warn peer is unhealthy .*"suppressedCount":14/);
    expect(probe.happenings.count(/^warn peer is unhealthy/)).toBe(2);
  },
);

test("a probe that hangs is given up when the next one is due", async () => {
  await using probe = await setUp(() => {});

  probe.clock.advance(INTERVAL_MS);
  await probe.happenings.until(/^asked/);
  probe.clock.advance(INTERVAL_MS);

  await probe.happenings.until(/^warn peer is unhealthy .*no answer within 4000 ms/);
  await probe.happenings.until(/^asked/, 2);
});

async function setUp(
  listener: RequestListener,
): Promise<AsyncDisposable & { readonly clock: ManualClock; readonly happenings: Happenings }> {
  const happenings = new Happenings();
  const clock = new ManualClock(happenings);
  const receiver = new RecordingReceiver(happenings);
  const logger = recordingLogger(happenings);
  const dispatcher = createDispatcher({ dialTimeoutMs: 1_000, tls: null });
  const server = createServer((request, response) => {
    expect(`${request.method} ${request.url}`).toBe("GET /raft/probing");
    happenings.add("asked");
    listener(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const prober = new Prober(
    {
      id: parseNodeId("a"),
      clusterId: CLUSTER,
      versions: { server: "2.3.8", minCluster: "2.2.0" },
      isAmongEtcd3: false,
      receiver,
      stats: receiver,
      clock,
      logger,
      dispatcher,
      headers: {},
    },
    {
      id: PEER,
      picker: new UrlPicker([`http://127.0.0.1:${portOf(server)}`]),
      warnings: new WarningLimiter(logger, clock),
    },
  );
  prober.start();
  return {
    clock,
    happenings,
    async [Symbol.asyncDispose]() {
      prober.stop();
      await dispatcher.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
      expect(clock.timerCount).toBe(0);
    },
  };
}
