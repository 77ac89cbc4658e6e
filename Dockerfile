# syntax=docker/dockerfile:1
# One hub. Build it from a checkout: docker build -t ringcast .
# Debian and not Alpine: uWebSockets.js, koffi and lmdb have binaries for glibc. Node 22: the newest that uWebSockets.js has one for.
ARG NODE=node:22-bookworm-slim

# ---- what is needed to run: production dependencies as the lock file names them ----
FROM ${NODE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY protocol/package.json protocol/
COPY client-sdk/package.json client-sdk/
COPY server/package.json server/
COPY server/bin server/bin
# The command line uses the SDK, but not its hooks for React or its store in the browser. npm has to be told: what is both a development dependency and an
# optional peer is kept by --omit=dev, also with --omit=peer.
RUN npm pkg delete peerDependencies dependencies.idb --workspace @ringcast/client
# No script of a package is run: everything native comes prebuilt.
RUN npm ci --omit=dev --ignore-scripts --workspace ringcast
# uWebSockets.js brings its binaries for all systems, 130 MB; this image has one system.
RUN find node_modules/uWebSockets.js/dist/bin -name '*.node' \
    ! -name "uws_linux_$(node -p process.arch)_$(node -p process.versions.modules).node" -delete

# ---- compiles the packages and bundles the pages ----
FROM ${NODE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY protocol/package.json protocol/
COPY client-sdk/package.json client-sdk/
COPY server/package.json server/
RUN npm ci --ignore-scripts
COPY build.mjs build.d.mts tsconfig.json tsconfig.base.json ./
COPY protocol protocol
COPY client-sdk client-sdk
COPY server server
RUN npm run build && mkdir empty

# ---- the image ----
FROM ${NODE}
LABEL org.opencontainers.image.title="Ringcast" \
      org.opencontainers.image.description="WebSocket pub/sub hub over memory-mapped ring logs" \
      org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
COPY --from=dependencies /app ./
COPY --from=build /app/protocol/dist protocol/dist
COPY --from=build /app/client-sdk/dist client-sdk/dist
COPY --from=build /app/server/dist server/dist
COPY LICENSE ./
# The hub writes here and nowhere else; the rest of the image may be read-only.
COPY --from=build --chown=1000:1000 /app/empty /data

# In a container others can reach the hub, so it refuses to start without a token (RINGCAST_TOKEN or RINGCAST_TOKEN_FILE).
ENV NODE_ENV=production \
    RINGCAST_HOST=0.0.0.0 \
    RINGCAST_DATA=/data \
    PATH=/app/node_modules/.bin:$PATH

# The user "node" of the base image, by number, so that Kubernetes can see that it isn't root.
USER 1000:1000
VOLUME /data
EXPOSE 7447
# The hub drains its connections on SIGTERM (drainTimeoutMs) and syncs its logs: stop it with a grace of 20 s or more.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["ringcast", "health"]
ENTRYPOINT ["ringcast"]
CMD ["serve"]
