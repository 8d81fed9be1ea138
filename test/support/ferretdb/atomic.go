package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// FerretDB 1 reads a document, changes it and writes it back in separate steps, so one of two concurrent updates can be
// lost. MongoDB changes a document atomically; to match it, this lock serializes the commands that change documents.
var changes sync.Mutex

func isChange(command string) bool {
	return command == "update" || command == "findAndModify" || command == "delete"
}

const (
	headerSize = 16
	// MongoDB allows 48,000,000 bytes per message; the rest is headroom.
	messageMax = 64 << 20
	opMsg      = 2013
)

// readMessage reads a whole message of the wire protocol, whose header begins with its length.
func readMessage(from io.Reader) ([]byte, error) {
	header := make([]byte, headerSize)
	if _, err := io.ReadFull(from, header); err != nil {
		return nil, err
	}
	length := binary.LittleEndian.Uint32(header)
	if length < headerSize || length > messageMax {
		return nil, fmt.Errorf("message length must be %d to %d bytes, got %d", headerSize, messageMax, length)
	}
	message := make([]byte, length)
	copy(message, header)
	_, err := io.ReadFull(from, message[headerSize:])
	return message, err
}

// commandOf returns the command: the name of the first field of the first section, which drivers send as a document.
func commandOf(message []byte) string {
	const name = headerSize + 4 + 1 + 4 + 1
	if len(message) <= name || binary.LittleEndian.Uint32(message[12:]) != opMsg || message[headerSize+4] != 0 {
		return ""
	}
	end := bytes.IndexByte(message[name:], 0)
	if end < 0 {
		return ""
	}
	return string(message[name : name+end])
}

// link is the connection of a client, and the one to the server that serves it.
type link struct {
	client, server net.Conn
	// Holds a value while no change is running.
	idle     chan struct{}
	changing atomic.Bool
}

func (l *link) requests() {
	defer l.server.Close()
	for {
		message, err := readMessage(l.client)
		if err != nil {
			// Wait for a running change, which holds the lock, before the connection closes.
			<-l.idle
			return
		}
		if isChange(commandOf(message)) {
			<-l.idle
			changes.Lock()
			l.changing.Store(true)
		}
		if _, err = l.server.Write(message); err != nil {
			return
		}
	}
}

func (l *link) answers() {
	defer l.client.Close()
	defer l.settle()
	for {
		message, err := readMessage(l.server)
		if err != nil {
			return
		}
		l.settle()
		if _, err = l.client.Write(message); err != nil {
			return
		}
	}
}

func (l *link) settle() {
	if l.changing.Swap(false) {
		changes.Unlock()
		l.idle <- struct{}{}
	}
}

func serve(front net.Listener, socket string) {
	for {
		client, err := front.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", socket)
		if err != nil {
			client.Close()
			continue
		}
		l := &link{client: client, server: server, idle: make(chan struct{}, 1)}
		l.idle <- struct{}{}
		go l.requests()
		go l.answers()
	}
}
