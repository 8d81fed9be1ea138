// A MongoDB-compatible server in one process over SQLite files, for tests. Confirmed writes survive kill -9.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func run() error {
	listen := flag.String("listen", "127.0.0.1:27017", "TCP address")
	directory := flag.String("dir", "", "existing directory that holds the data")
	flag.Parse()
	if *directory == "" {
		return fmt.Errorf("-dir must be an existing directory for the data, got none")
	}

	// In WAL mode a commit survives the death of the process; only a power failure can lose it.
	pragmas := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(wal)", "synchronous(normal)"}}
	sockets, err := os.MkdirTemp("", "ferretdb-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(sockets)
	socket := filepath.Join(sockets, "socket")
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{Unix: socket},
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
		Handler:   "sqlite",
		SQLiteURL: "file:" + *directory + "/?" + pragmas.Encode(),
	})
	if err != nil {
		return err
	}
	front, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	go serve(front, socket)
	fmt.Printf("listening on %s\n", front.Addr())
	err = server.Run(ctx)
	front.Close()
	return err
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "ferretdb:", err)
		os.Exit(1)
	}
}
