// The search of `beam.py`. Included once for each instruction set.

// A living hypothesis. Those of a sentence stand side by side, best first.
struct Living {
    int sentence;
    float total;
    int node;
};

// A word of a hypothesis, and where the words before it are.
struct Node {
    int parent;
    int32_t token;
};

struct Candidate {
    float total;
    int row;
    int32_t word;
};

// The best candidates that a sentence has had so far in this step, best first.
class Best {
  public:
    void clear(int slots) {
        slots_ = slots;
        found.clear();
    }
    float to_beat() const { return int(found.size()) < slots_ ? -INFINITY : found.back().total; }
    void add(Candidate candidate) {
        if (!(candidate.total > to_beat())) return;
        if (int(found.size()) == slots_) found.pop_back();
        auto place = std::upper_bound(found.begin(), found.end(), candidate,
                                      [](const Candidate& one, const Candidate& other) { return one.total > other.total; });
        found.insert(place, candidate);
    }
    std::vector<Candidate> found;

  private:
    int slots_ = 0;
};

// The finished hypotheses of a sentence, best first.
class Finished {
  public:
    Finished(const OptionsView& request, int limit)
        : request_(&request), best_penalty_(penalty(limit)) {}

    void add(std::vector<int32_t> tokens, double log_prob) {
        double score = log_prob / penalty(int(tokens.size()) + 1);
        auto place = std::find_if(found.begin(), found.end(), [&](const One& one) { return one.score < score; });
        found.insert(place, One{std::move(tokens), log_prob, score});
        if (int(found.size()) > request_->n_best) found.pop_back();
    }

    // Whether a living hypothesis of this total, were it to end for free, would get among the best.
    bool can_improve(float total) const {
        return int(found.size()) < request_->n_best || total / best_penalty_ > found.back().score;
    }

    struct One {
        std::vector<int32_t> tokens;
        double log_prob, score;
    };
    std::vector<One> found;

  private:
    double penalty(int length) const { return std::pow((5 + length) / 6.0, request_->length_penalty); }

    const OptionsView* request_;
    double best_penalty_;
};

class Search {
  public:
    Search(const Network& network, const OptionsView& request) : network_(network), request_(request) {}

    // tokens: the ids of B sentences, one after another; lengths and limits [B].
    void run(const int32_t* tokens, const int32_t* lengths, const int32_t* limits, int count, HypothesesView& out) {
        source_.starts.assign(1, 0);
        for (int b = 0; b < count; b++) {
            source_.starts.push_back(source_.starts.back() + lengths[b]);
            finished_.emplace_back(request_, limits[b]);
            living_.push_back({b, 0, -1});
        }
        slots_.assign(count, int(request_.beam_size));
        limits_ = limits;
        for (int b = 0; request_.shortlists && b < count; b++) {
            const int32_t* starts = request_.shortlist_starts + b;
            source_.shortlists.emplace_back(network_.view.output, -INFINITY, request_.shortlists + starts[0],
                                            starts[1] - starts[0]);
        }
        network_.start(tokens, source_);
        states_.resize(count, network_.state_size);
        for (int b = 0; b < count; b++)
            memcpy(states_[b], source_.first_states[b], network_.state_size * sizeof(float));
        for (int time = 1; !living_.empty(); time++) step(time);
        write(out);
    }

  private:
    void step(int time) {
        int rows = int(living_.size());
        std::vector<int32_t> tokens, sentences;
        for (const Living& one : living_) {
            tokens.push_back(one.node < 0 ? request_.bos : nodes_[one.node].token);
            sentences.push_back(one.sentence);
        }
        network_.step(tokens.data(), sentences.data(), rows, states_, source_, next_, logits_, scratch_);
        std::vector<Living> before = std::move(living_);
        living_.clear();
        std::vector<int> parents;
        for (int first = 0, end; first < rows; first = end) {
            int sentence = before[first].sentence;
            best_.clear(slots_[sentence]);
            for (end = first; end < rows && before[end].sentence == sentence; end++)
                extend(end, before[end], limits_[sentence] <= time);
            keep(sentence, before, parents);
        }
        states_.resize(int(parents.size()), network_.state_size);
        for (size_t row = 0; row < parents.size(); row++)
            memcpy(states_[int(row)], next_[parents[row]], network_.state_size * sizeof(float));
    }

    // Offer the continuations of a hypothesis.
    void extend(int row, const Living& before, bool at_limit) {
        const Linear& layer = network_.output_of(source_, before.sentence);
        float *logits = logits_[row], total = before.total;
        int width = layer.width;
        vec highest = broadcast(-INFINITY), sums = {};
        for (int start = 0; start < width; start += LANES) highest = max(highest, load(logits + start));
        float top = reduce_max(highest);
        for (int start = 0; start < width; start += LANES) sums += exponential(load(logits + start) - top);
        float log_sum = std::log(sum_of(sums));
        auto offer = [&](int o) { best_.add({total + ((logits[o] - top) - log_sum), row, layer.row(o)}); };
        if (at_limit) return offer(layer.output_of(request_.eos));
        // A shortlist has no forbidden words.
        for (int i = 0; !request_.shortlists && i < request_.forbidden_count; i++)
            logits[request_.forbidden[i]] = -INFINITY;
        // Most words are far from good enough; a little slack, as sums round.
        const float slack = 1e-3f;
        float bound = best_.to_beat() - total + log_sum + top - slack;
        const int block = 64;
        for (int start = 0; start < width; start += block) {
            vec block_highest = load(logits + start);
            for (int v = LANES; v < block && start + v < width; v += LANES)
                block_highest = max(block_highest, load(logits + start + v));
            if (!(reduce_max(block_highest) > bound)) continue;
            for (int o = start; o < std::min(start + block, layer.out); o++)
                if (logits[o] > bound) offer(o);
            bound = best_.to_beat() - total + log_sum + top - slack;
        }
    }

    // Sort the best candidates of a sentence into those that live on and those that have ended.
    void keep(int sentence, const std::vector<Living>& before, std::vector<int>& parents) {
        size_t first = living_.size();
        float best_total = -INFINITY;
        for (const Candidate& one : best_.found) {
            int parent = before[one.row].node;
            if (one.word == request_.eos) {
                slots_[sentence]--;
                finished_[sentence].add(words_up_to(parent), one.total);
            } else {
                best_total = std::max(best_total, one.total);
                living_.push_back({sentence, one.total, int(nodes_.size())});
                nodes_.push_back({parent, one.word});
                parents.push_back(one.row);
            }
        }
        if (!finished_[sentence].can_improve(best_total)) {
            living_.resize(first);
            parents.resize(first);
        }
    }

    std::vector<int32_t> words_up_to(int node) const {
        std::vector<int32_t> words;
        for (; node >= 0; node = nodes_[node].parent) words.push_back(nodes_[node].token);
        std::reverse(words.begin(), words.end());
        return words;
    }

    void write(HypothesesView& out) const {
        for (size_t b = 0; b < finished_.size(); b++)
            for (int n = 0; n < request_.n_best; n++) {
                size_t place = b * request_.n_best + n;
                out.lengths[place] = -1;
                if (n >= int(finished_[b].found.size())) continue;
                const Finished::One& one = finished_[b].found[n];
                out.lengths[place] = int32_t(one.tokens.size());
                out.log_probs[place] = one.log_prob;
                out.scores[place] = one.score;
                std::copy(one.tokens.begin(), one.tokens.end(), out.tokens + place * out.longest);
            }
    }

    const Network& network_;
    const OptionsView& request_;
    const int32_t* limits_ = nullptr;
    Source source_;
    std::vector<Living> living_;
    std::vector<Node> nodes_;
    std::vector<int> slots_;  // hypotheses that each sentence may still have: the beam narrows by those that ended
    std::vector<Finished> finished_;
    Best best_;
    Matrix states_, next_, logits_;
    Network::Scratch scratch_;
};
