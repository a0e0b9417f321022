package pool

import (
	"context"
	"sync"
)

type Job func(ctx context.Context) error

// Run runs all jobs on a number of workers, and returns the first error.
func Run(ctx context.Context, workers int, jobs []Job) error {
	ctx, cancel := context.WithCancel(ctx)
	⟦defer cancel()⟧

	queue := make(chan Job)
	errs := make(chan error, len(jobs))
	var wg sync.WaitGroup
	for i := 0; i < workers; i++ {
		wg.Add(1)
		go func() {
			defer ⟦wg.Done()⟧
			for job := range queue {
				errs <- job(ctx)
			}
		}()
	}
	for _, job := range jobs {
		queue <- job
	}
	close(queue)
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
