package sandbox_test

func daemon([]string) int { return 0 }
