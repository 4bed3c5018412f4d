// Receives callbacks of xcron: asks who sent them, does each once, and none that is overtaken.
//
//	XCRON_HOOK_SECRET="whsec_..." go run receiver.go 127.0.0.1:9000 receiver.journal
package main

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	tolerance    = 5 * time.Minute
	bodyBytesMax = 64 * 1024
)

// A line of the journal, which is one charge. With a database: a row in a table of runs, one in a
// table of fences, and yours, in one transaction.
type entry struct {
	Run    string
	Task   string
	Fence  uint64
	Charge []byte
}

type receiver struct {
	keys    [][]byte
	mutex   sync.Mutex
	runs    map[string]bool
	fences  map[string]uint64
	journal *os.File
	length  int64
}

// isSigned says whether one of the signatures is one of ours, and not an old one sent again.
func (r *receiver) isSigned(header http.Header, body []byte, now time.Time) bool {
	sent, err := strconv.ParseInt(header.Get("webhook-timestamp"), 10, 64)
	if err != nil || now.Sub(time.Unix(sent, 0)).Abs() > tolerance {
		return false
	}
	for _, key := range r.keys {
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%d.", header.Get("webhook-id"), sent)
		mac.Write(body)
		ours := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
		for _, given := range strings.Fields(header.Get("webhook-signature")) {
			if hmac.Equal([]byte(ours), []byte(given)) {
				return true
			}
		}
	}
	return false
}

// accept gives status and text of the answer. What it remembers and what it does are one write.
func (r *receiver) accept(run string, fence uint64, body []byte) (int, string) {
	task, _, _ := strings.Cut(run, "@")
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.runs[run] {
		return 200, "done before"
	}
	if newest, known := r.fences[task]; known && fence <= newest {
		return 409, fmt.Sprintf("fence %d is stale, %d was here", fence, newest)
	}
	// The effect, in place of yours: the line charges. If it fails, nothing of this has happened.
	line, err := json.Marshal(entry{run, task, fence, body})
	if err == nil {
		err = r.journal.Truncate(r.length)
	}
	if err == nil {
		_, err = r.journal.WriteAt(append(line, '\n'), r.length)
	}
	if err == nil {
		err = r.journal.Sync()
	}
	if err != nil {
		return 500, err.Error() // Anything but 2xx is tried again.
	}
	r.length += int64(len(line)) + 1
	r.runs[run], r.fences[task] = true, fence
	fmt.Println("charged", run)
	return 200, "done"
}

func (r *receiver) judge(request *http.Request) (int, string) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, request.Body, bodyBytesMax))
	if err != nil {
		return 413, err.Error()
	}
	header := request.Header
	if !r.isSigned(header, body, time.Now()) {
		return 401, "not signed by xcron within the last five minutes"
	}
	run := header.Get("idempotency-key")
	fence, err := strconv.ParseUint(header.Get("xcron-fence"), 10, 64)
	// Only webhook-id is signed.
	if run != header.Get("webhook-id") || err != nil {
		return 400, "idempotency-key is not webhook-id, or xcron-fence is no number"
	}
	return r.accept(run, fence, body)
}

func (r *receiver) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	status, text := r.judge(request)
	response.WriteHeader(status)
	io.WriteString(response, text)
}

// open reads what was done before. A last line that was cut off was never answered.
func open(path string, secrets []string) (*receiver, error) {
	r := &receiver{runs: map[string]bool{}, fences: map[string]uint64{}}
	for _, secret := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil {
			return nil, err
		}
		r.keys = append(r.keys, key)
	}
	var err error
	if r.journal, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, err
	}
	lines := bufio.NewReader(r.journal)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return r, nil
		}
		var e entry
		if err == nil {
			err = json.Unmarshal(line, &e)
		}
		if err != nil {
			return nil, err
		}
		r.runs[e.Run], r.fences[e.Task] = true, e.Fence
		r.length += int64(len(line))
	}
}

func main() {
	r, err := open(os.Args[2], strings.Fields(os.Getenv("XCRON_HOOK_SECRET")))
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s/\n", listener.Addr())
	log.Fatal((&http.Server{Handler: r, ReadTimeout: 10 * time.Second}).Serve(listener))
}
